//! No input makes the check panic or hang, and irrelevant differences do not matter.

use heck::ToSnakeCase;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::base::{CREATE, ENUMS, MANIFEST, Tree};
use crate::snake_case::snake_case;

const RELEASE: &str = "api/0.1.0.txt";
const FILES: [&str; 4] = [MANIFEST, ENUMS, CREATE, RELEASE];

/// Pieces that matter to one of the parsers, and arbitrary bytes.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&[u8]> = vec![
        b"|",
        b"\\|",
        b"\\",
        b"`",
        b"```\n",
        b"~~~",
        b"<!--",
        b"-->",
        b"<!-- closed-set: ",
        b" rust=",
        b"# ",
        b"---",
        b"\t",
        b"    ",
        b"\r",
        b"\r\n",
        b"\n",
        b"\n\n",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xe2\x80",
        b"\0",
        b"\xe2\x80\x93",
        b"0.1.0",
        b"99999999999999999999",
        b"'",
        b"''",
        b"\"",
        b"$",
        b"$$",
        b"$a$",
        b"E'",
        b"U&'",
        b"--",
        b"/*",
        b"*/",
        b";",
        b"(",
        b")",
        b",",
        b".",
        b"CREATE TYPE ",
        b"ALTER TYPE paint ",
        b"ADD VALUE ",
        b"RENAME ",
        b" TO ",
        b"DROP TYPE ",
        b"DO ",
        b"AS ENUM (",
        b"pg_enum",
        b"#[",
        b"]",
        b"{",
        b"}",
        b"<",
        b"enum ",
        b"derive(DbEnum)",
        b"#[db_enum(",
        b"rename = ",
        b"r#\"",
        b"b'",
        b"'a",
        b"//",
        b"///",
        b"set ",
        b"names",
        "ß".as_bytes(),
        "\u{202e}".as_bytes(),
        "é".as_bytes(),
    ];
    prop_oneof![
        select(words).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..4)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(file in select(&FILES[..]), pieces in prop::collection::vec(piece(), 0..60)) {
        let mut tree = Tree::base();
        tree.set(file, pieces.concat());
        tree.report();
    }

    #[test]
    fn any_damage_is_read_or_refused(
        file in select(&FILES[..]),
        damage in prop::collection::vec((any::<Index>(), 0..8_usize, piece()), 1..6),
    ) {
        let mut tree = Tree::base();
        let mut bytes = tree.files[file].clone();
        for (at, removed, inserted) in damage {
            let start = at.index(bytes.len() + 1);
            let end = (start + removed).min(bytes.len());
            bytes.splice(start..end, inserted);
        }
        tree.set(file, bytes);
        tree.report();
    }

    /// Positions are inside of their file, so that an editor can jump there.
    #[test]
    fn a_finding_points_into_its_file(at in any::<Index>(), inserted in piece()) {
        let mut tree = Tree::base();
        for file in [MANIFEST, ENUMS, CREATE] {
            let mut bytes = tree.files[file].clone();
            let start = at.index(bytes.len());
            bytes.splice(start..start, inserted.iter().copied());
            tree.set(file, bytes);
        }
        for finding in tree.findings() {
            let text = String::from_utf8_lossy(&tree.files[&*finding.at.file]);
            let line = text.split('\n').nth(finding.at.line - 1);
            prop_assert!(line.is_some_and(|line| finding.at.column <= line.chars().count() + 1), "{finding}");
        }
    }

    #[test]
    fn labels_are_made_of_variants_as_the_derive_makes_them(name in "[A-Za-z_][A-Za-z0-9_]{0,12}") {
        prop_assert_eq!(snake_case(&name), name.to_snake_case());
    }
}

#[test]
fn what_only_looks_different_is_read_the_same() {
    for file in FILES {
        let mut tree = Tree::base();
        let windows = tree.text(file).replace('\n', "\r\n");
        tree.set(file, windows.clone());
        assert_eq!(tree.report(), "", "CRLF in {file}");
        tree.set(file, format!("\u{feff}{windows}"));
        assert_eq!(tree.report(), "", "and a byte-order mark");
    }
    let mut tree = Tree::base();
    let tabs = tree.text(MANIFEST).replace("| `", "|\t`").replace("` |", "`\t|");
    tree.set(MANIFEST, tabs);
    assert_eq!(tree.report(), "");
    let unpadded = tree
        .text(MANIFEST)
        .lines()
        .map(|line| line.split('|').map(str::trim).collect::<Vec<_>>().join("|") + "\n");
    let unpadded: String = unpadded.collect();
    tree.set(MANIFEST, unpadded);
    assert_eq!(tree.report(), "");
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_where_they_stand() {
    for file in FILES {
        let mut tree = Tree::base();
        let mut bytes = "αβ\nγ ".as_bytes().to_vec();
        bytes.extend(b"\xff and on\n");
        tree.set(file, bytes);
        let expected = format!("{file}:2:3: MG001 the byte 0xff is not UTF-8\n  help: save the file as UTF-8\n");
        assert!(tree.report().contains(&expected), "{}", tree.report());
    }
    for (hidden, at) in [
        ("a\rb", "1:2"),
        ("\n\0", "2:1"),
        ("\n a\u{202e}b", "2:3"),
        ("\u{feff}\u{feff}", "1:1"),
    ] {
        let mut tree = Tree::base();
        tree.set(MANIFEST, hidden);
        let expected = format!("{MANIFEST}:{at}: MG001 ");
        assert!(tree.report().contains(&expected), "{}", tree.report());
    }
}

/// Nothing recurses with the depth of its input.
#[test]
fn deep_nesting_is_read_or_refused() {
    let deep = 100_000;
    for (open, close) in [
        ("(", ")"),
        ("{", "}"),
        ("[", "]"),
        ("/*", "*/"),
        ("<", ">"),
        ("&", ""),
        ("!", ""),
    ] {
        for file in FILES {
            let mut tree = Tree::base();
            tree.set(file, open.repeat(deep) + &close.repeat(deep));
            tree.report();
            tree.set(file, open.repeat(deep));
            tree.report();
        }
    }
    // The check reads strings in strings as code.
    let tags: Vec<String> = (0..300).map(|number| format!("$t{number}$")).collect();
    let nested = tags.concat() + " ALTER TYPE paint ADD VALUE 'x' " + &tags.iter().rev().cloned().collect::<String>();
    let mut tree = Tree::base();
    let up = tree.text(CREATE).to_owned();
    tree.set(CREATE, format!("{up}\nDO {nested};"));
    assert_eq!(tree.codes(), ["MG016"]);
}
