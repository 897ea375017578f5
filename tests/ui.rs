//! Code that must not compile. Each file in `tests/ui` marks the lines on which the compiler must report an error with
//! `//~ CODE`. The message is compared only if it follows the code, because compiler messages differ between versions.
#![allow(clippy::unwrap_used, reason = "a test that can't continue panics")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// The messages of errors by file, line and code.
type Errors = BTreeMap<(String, u64, String), String>;

#[test]
fn each_file_fails_to_compile_with_the_errors_that_it_marks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cases = root.join("tests/ui");
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&package).unwrap();
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let mut manifest = format!(
        "[package]\nname = \"ui\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         diesel = {{ version = \"2\", features = [\"postgres\"], default-features = false }}\n\
         mailglass = {{ path = {root:?}, features = [\"bundled\"] }}\n",
    );
    let mut expected = Errors::new();
    for entry in fs::read_dir(&cases).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        manifest += &format!("[[bin]]\nname = {name:?}\npath = {path:?}\n");
        for (line, text) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            if let Some((_, error)) = text.split_once("//~ ") {
                let (code, message) = error.split_once(' ').unwrap_or((error, ""));
                expected.insert((name.clone(), line, code.to_owned()), message.to_owned());
            }
        }
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let errors = errors_of(&package);
    assert!(
        errors.keys().eq(expected.keys()),
        "the compiler reports {errors:#?}\nthe files mark {expected:#?}"
    );
    for (at, message) in expected {
        let error = &errors[&at];
        assert!(
            error.contains(&message),
            "{at:?}: expected {message:?}, found {error:?}"
        );
    }
}

fn errors_of(package: &Path) -> Errors {
    let output = Command::new(env::var_os("CARGO").unwrap())
        .args(["check", "--bins", "--keep-going", "--offline", "--message-format=json"])
        .current_dir(package)
        // Use our own target directory, so that libpq is not built again.
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap(),
        )
        .output()
        .unwrap();
    let messages: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|message: &Value| message["reason"] == "compiler-message" && message["message"]["level"] == "error")
        .filter(|message| {
            message["message"]["spans"]
                .as_array()
                .is_some_and(|spans| !spans.is_empty())
        })
        .collect();
    assert!(!messages.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    messages
        .iter()
        .map(|message| {
            let spans = message["message"]["spans"].as_array().unwrap();
            let mut primary = spans.iter().find(|span| span["is_primary"] == true).unwrap();
            // Errors in a macro are reported at the outermost call, as the compiler displays them.
            while primary["expansion"].is_object() {
                primary = &primary["expansion"]["span"];
            }
            let code = message["message"]["code"]["code"].as_str().unwrap_or_default();
            let file = message["target"]["name"].as_str().unwrap_or_default();
            let at = (
                file.to_owned(),
                primary["line_start"].as_u64().unwrap(),
                code.to_owned(),
            );
            // The rendered message would quote the line, which contains the expected message. Some versions of the compiler
            // put the text in a label.
            let labels = spans.iter().filter_map(|span| span["label"].as_str());
            let texts: Vec<&str> = message["message"]["message"]
                .as_str()
                .into_iter()
                .chain(labels)
                .collect();
            (at, texts.join("\n"))
        })
        .collect()
}
