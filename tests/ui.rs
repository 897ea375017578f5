//! What could only blow up in production must not compile: each file in `tests/ui` names its errors, `//~ CODE`, on the
//! lines where the compiler must report them. The compiler's words are its own, and differ from version to version; where
//! the words are ours, they come after the code.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should say so by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// The texts of errors by file, line and code.
type Errors = BTreeMap<(String, u64, String), String>;

#[test]
fn what_must_not_compile_fails_with_the_errors_that_its_file_names() {
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
                let (code, words) = error.split_once(' ').unwrap_or((error, ""));
                expected.insert((name.clone(), line, code.to_owned()), words.to_owned());
            }
        }
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    let errors = errors_of(&package);
    assert!(errors.keys().eq(expected.keys()), "{errors:#?}\nare not\n{expected:#?}");
    for (at, words) in expected {
        let error = &errors[&at];
        assert!(error.contains(&words), "{at:?} lacks {words:?}: {error}");
    }
}

fn errors_of(package: &Path) -> Errors {
    let output = Command::new(env::var_os("CARGO").unwrap())
        .args(["check", "--bins", "--keep-going", "--offline", "--message-format=json"])
        .current_dir(package)
        // Beside our own build, so that libpq is not built once more.
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
            // What a macro of ours says is said where it is called, as the compiler shows it to people, too.
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
            // Not as it is rendered: that would quote the line with what we expect. Some versions put the words in a label.
            let labels = spans.iter().filter_map(|span| span["label"].as_str());
            let words: Vec<&str> = message["message"]["message"]
                .as_str()
                .into_iter()
                .chain(labels)
                .collect();
            (at, words.join("\n"))
        })
        .collect()
}
