//! What could only blow up in production must not compile: each file in `tests/ui` names its errors, `//~ CODE`, on the
//! lines where the compiler must report them. The compiler's words are its own, and differ from version to version.
#![allow(clippy::unwrap_used, reason = "a test that can't go on should say so by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

/// (file, line, code)
type Finding = (String, u64, String);

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
    let mut expected = BTreeSet::new();
    for entry in fs::read_dir(&cases).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        manifest += &format!("[[bin]]\nname = {name:?}\npath = {path:?}\n");
        for (line, text) in (1..).zip(fs::read_to_string(&path).unwrap().lines()) {
            if let Some((_, code)) = text.split_once("//~ ") {
                expected.insert((name.clone(), line, code.to_owned()));
            }
        }
    }
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    assert_eq!(errors_of(&package), expected);
}

fn errors_of(package: &Path) -> BTreeSet<Finding> {
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
            let primary = spans.iter().find(|span| span["is_primary"] == true).unwrap();
            let code = message["message"]["code"]["code"].as_str().unwrap_or_default();
            let file = message["target"]["name"].as_str().unwrap_or_default();
            (
                file.to_owned(),
                primary["line_start"].as_u64().unwrap(),
                code.to_owned(),
            )
        })
        .collect()
}
