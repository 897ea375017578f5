//! Every code block of the documents is compiled, run or checked by a test.

use std::collections::BTreeSet;

use mailglass::contract::NAMES;

use super::markdown::Document;
use crate::own::{root, text};

/// The documents of this crate. Those of the other crates are theirs to test.
const DOCUMENTS: [&str; 12] = [
    "SECURITY.md",
    "README.md",
    "DESIGN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "api_stability.md",
    "docs/checkpoints.md",
    "docs/elixir.md",
    "docs/bench/README.md",
    "docs/retention.md",
    "docs/scaling.md",
    "docs/tenants.md",
];

#[test]
fn every_code_block_is_compiled_run_or_checked() {
    let mut problems = Vec::new();
    for file in DOCUMENTS {
        let document = Document::parse(&text(file));
        for (language, code) in &document.blocks {
            let is_checked = match language.as_str() {
                "rust" => is_doctest(file),
                // `tests/integration/elixir.rs` runs them.
                "sql" => file == "docs/elixir.md",
                // `the_print_schema_filter_names_every_table`.
                "toml" => code.starts_with("[print_schema]"),
                "sh" => {
                    problems.extend(code.lines().filter_map(|line| wrong_command(file, line)));
                    true
                }
                "text" => true,
                _ => false,
            };
            if !is_checked {
                problems.push(format!("{file}: nothing checks this block of {language:?}:\n{code}"));
            }
        }
        let commands = document.inline_code.iter().filter(|code| code.starts_with("cargo "));
        problems.extend(commands.filter_map(|command| wrong_command(file, command)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Whether rustdoc compiles the code blocks of a file.
fn is_doctest(file: &str) -> bool {
    let included = format!("doc = include_str!(\"../{file}\")]");
    ["src/lib.rs", "src/_documentation.rs"]
        .map(text)
        .concat()
        .contains(&included)
}

/// What a command names that isn't there: a package, an example, a test, a program.
fn wrong_command(file: &str, line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| word.contains('=')).collect();
    let exists = |path: String| root().join(path).exists();
    let problem = match words.as_slice() {
        ["cargo", arguments @ ..] => arguments.windows(2).find_map(|pair| {
            let name = pair[1];
            let is_there = match pair[0] {
                "-p" | "--package" => ["crates", "examples"]
                    .iter()
                    .any(|folder| exists(format!("{folder}/{name}/Cargo.toml"))),
                "--example" => exists(format!("examples/{name}/main.rs")),
                "--test" => exists(format!("tests/{name}.rs")) || exists(format!("tests/{name}/main.rs")),
                "--bin" => text("crates/mailglass-cli/Cargo.toml").contains(&format!("name = {name:?}")),
                "--" => !arguments.contains(&"integration") || name.starts_with('-') || is_test(name),
                "install" => exists(format!("crates/{name}/Cargo.toml")),
                _ => true,
            };
            (!is_there).then(|| format!("{} {name} is not there", pair[0]))
        }),
        ["apt-get", "install", ..] => None,
        _ => Some("no test knows this command".to_owned()),
    }?;
    Some(format!("{file}: `{line}`: {problem}"))
}

/// Whether there is an integration test, a module of them, or a test whose name begins so.
fn is_test(path: &str) -> bool {
    let (modules, last) = path.rsplit_once("::").unwrap_or(("main", path));
    let file = |module: &str| {
        root()
            .join("tests/integration")
            .join(module.replace("::", "/"))
            .with_extension("rs")
    };
    file(path).exists() || std::fs::read_to_string(file(modules)).is_ok_and(|code| code.contains(&format!("fn {last}")))
}

#[test]
fn the_print_schema_filter_names_every_table() {
    let readme = Document::parse(&text("README.md"));
    let (_, code) = readme.blocks.iter().find(|(language, _)| language == "toml").unwrap();
    let named: BTreeSet<&str> = code.split('"').skip(1).step_by(2).collect();
    let tables = NAMES
        .iter()
        .filter(|name| name.kind == "table" && name.removed.is_none());
    assert_eq!(named, tables.map(|table| table.name).collect());
}
