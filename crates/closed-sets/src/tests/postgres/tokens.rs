//! The check and PostgreSQL split a text into the same statements, strings and names.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{cases, corpus, database, for_all};
use crate::tokens::{self, Kind, Token};

/// A statement `SELECT see(to_jsonb(s)) FROM (SELECT <string> AS <name>) s` inserts its string and its name here.
const SETUP: &str = "
    CREATE TABLE seen (position serial, name text NOT NULL, value text NOT NULL);
    CREATE FUNCTION see(named jsonb) RETURNS void LANGUAGE sql AS
        'INSERT INTO seen (name, value) SELECT key, value FROM jsonb_each_text(named)'";

const BEFORE_STRING: [&str; 11] = [
    "select", "see", "(", "to_jsonb", "(", "s", ")", ")", "from", "(", "select",
];

#[derive(QueryableByName, Debug, PartialEq)]
struct Seen {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    value: String,
}

/// The row that a statement of that form inserts, according to the check's tokens.
fn seen(statement: &[Token]) -> Option<Seen> {
    let is = |token: &Token, text: &str| match &token.kind {
        Kind::Word(word) => word == text,
        Kind::Other(symbol) => text.chars().eq([*symbol]),
        Kind::Quoted(_) | Kind::Text { .. } => false,
    };
    // A random edit may name the column.
    let mut tokens: Vec<&Token> = statement.iter().collect();
    if tokens
        .get(8)
        .is_some_and(|token| matches!(token.kind, Kind::Word(_) | Kind::Quoted(_)) && !is(token, "from"))
    {
        tokens.remove(8);
    }
    let (before, rest) = tokens.split_at_checked(BEFORE_STRING.len())?;
    // A comment may include `AS` and the name.
    let (string, name, end) = match rest {
        [string, keyword, name, end @ ..] if is(keyword, "as") => (string, Some(name), end),
        [string, _, _] => (string, None, &rest[1..]),
        [string, name, end @ ..] => (string, Some(name), end),
        _ => return None,
    };
    let is_form = before.iter().zip(BEFORE_STRING).all(|(token, text)| is(token, text));
    let [close, alias] = end else { return None };
    let name = match name.map(|name| &name.kind) {
        None => "?column?",
        Some(Kind::Word(name) | Kind::Quoted(name)) => name.as_str(),
        Some(_) => return None,
    };
    match &string.kind {
        Kind::Text { content, .. } if is_form && is(close, ")") && is(alias, "s") => Some(Seen {
            name: name.to_owned(),
            value: content.clone(),
        }),
        _ => None,
    }
}

/// Compares the check's tokens with PostgreSQL's effects of a text; returns whether PostgreSQL accepts it.
fn compare(conn: &mut PgConnection, text: &str) -> Result<bool, TestCaseError> {
    conn.batch_execute("TRUNCATE seen RESTART IDENTITY").unwrap();
    let applied = conn.batch_execute(text);
    let statements = tokens::statements(text);
    let Ok(statements) = statements else {
        prop_assert!(
            applied.is_err(),
            "Postgres accepts {text:?}; the check has {statements:?}"
        );
        return Ok(false);
    };
    let expected: Vec<Seen> = statements.iter().filter_map(|statement| seen(statement)).collect();
    // PostgreSQL truncates long names and rejects empty ones.
    if expected.iter().any(|seen| !(1..64).contains(&seen.name.len())) {
        return Ok(applied.is_ok());
    }
    // Random edits produce other statements, some of which PostgreSQL accepts.
    let must_be_accepted = expected.len() == statements.len();
    prop_assert!(
        applied.is_ok() || !must_be_accepted,
        "Postgres refuses {text:?}: {applied:?}; the check has {statements:?}"
    );
    if applied.is_ok() {
        let found: Vec<Seen> = diesel::sql_query("SELECT name, value FROM seen ORDER BY position")
            .load(conn)
            .unwrap();
        if must_be_accepted {
            prop_assert_eq!(expected, found, "{:?}", text);
        } else {
            let mut rest = found.iter();
            let is_there = expected.iter().all(|seen| rest.any(|row| row == seen));
            prop_assert!(is_there, "{text:?}: the check has {expected:?}, Postgres {found:?}");
        }
    }
    Ok(applied.is_ok())
}

fn blank() -> impl Strategy<Value = String> {
    let blanks = vec![
        " ",
        "\n",
        "\t \r\n",
        "/**/",
        " /* ' \" $$ ; -- */ ",
        "/* /* ' */ \" */",
        "/*/* ; */-*//**/ ",
        " -- it's; $$ /* \"\n",
        "--\n--'\n",
        " -- '\r",
        "\u{c}",
    ];
    select(blanks).prop_map(str::to_owned)
}

/// The text between the quotes of a string or a name.
fn body() -> impl Strategy<Value = String> {
    let pieces = vec![
        "a",
        "B",
        "é",
        "𝄞",
        " ",
        "''",
        "\"\"",
        "\\\\",
        "\\'",
        "\\\"",
        "\\",
        "'",
        "\"",
        "$",
        "$$",
        "$q$",
        "q$",
        ";",
        "--",
        "/*",
        "*/",
        "\n",
        "\\n",
        "\\t",
        "\\x41",
        "\\x4",
        "\\x",
        "\\xc3\\xa9",
        "\\xc3",
        "\\101",
        "\\47",
        "\\0",
        "\\777",
        "\\u0061",
        "\\u00e9",
        "\\U0001D11E",
        "\\uD834\\uDD1E",
        "\\uD834",
        "\\u006",
        "\\0061",
        "\\+000061",
        "\\D834\\DD1E",
        "\\00e9",
        "!0061",
        "!!",
        "!",
        "0061",
        "+",
    ];
    prop::collection::vec(select(pieces), 0..6).prop_map(|pieces| pieces.concat())
}

/// Bodies that are valid in most kinds of strings, so that whole texts are often accepted.
fn tame_body() -> impl Strategy<Value = String> {
    let pieces = vec![
        "a",
        "B",
        "é",
        " ",
        "''",
        "\"\"",
        "\\\\",
        ";",
        "--",
        "/*",
        "*/",
        "\n",
        "\\0061",
        "\\+000061",
        "$ ",
        "0061",
    ];
    prop::collection::vec(select(pieces), 0..5).prop_map(|pieces| pieces.concat())
}

fn uescape() -> impl Strategy<Value = String> {
    let tails = vec![
        "",
        "",
        "",
        " UESCAPE '!'",
        "\nuescape\n'!'",
        "/**/Uescape--\n'\\'",
        " UESCAPE '+'",
        " UESCAPE 'a'",
        " UESCAPE ''",
        " UESCAPE E'!'",
        " UESCAPE $$!$$",
        " UESCAPE",
        " UESCAPE '!!'",
        " UESCAPE '''",
    ];
    select(tails).prop_map(str::to_owned)
}

fn string() -> impl Strategy<Value = String> {
    let quotes = vec![
        ("'", "'"),
        ("'", "'"),
        ("E'", "'"),
        ("e'", "'"),
        ("U&'", "'"),
        ("u&'", "'"),
        ("$$", "$$"),
        ("$q$", "$q$"),
        ("$é_1$", "$é_1$"),
        ("$1$", "$1$"),
    ];
    // The text between two segments. Some of these do not continue the string.
    let breaks = vec![
        "\n'",
        "\r\n'",
        " \n '",
        "-- it's\n'",
        " --\n\n-- '\n\t'",
        " '",
        "/**/\n'",
        "\n/**/'",
        "--'",
        "\n E'",
        "\r'",
        "\n$$",
    ];
    let bodies = || prop_oneof![2 => tame_body(), 1 => body()];
    let segment = (select(breaks), bodies()).prop_map(|(between, body)| format!("{between}{body}'"));
    (
        select(quotes),
        bodies(),
        prop_oneof![
            3 => Just(String::new()),
            2 => prop::collection::vec(segment, 1..3).prop_map(|segments| segments.concat()),
        ],
        uescape(),
    )
        .prop_map(|((open, close), body, segments, tail)| {
            let tail = if open.eq_ignore_ascii_case("u&'") {
                tail
            } else {
                String::new()
            };
            format!("{open}{body}{close}{segments}{tail}")
        })
}

fn name() -> impl Strategy<Value = String> {
    let plain = select(vec!["n", "Name", "_x$1", "É", "select_", "e", "u"]).prop_map(str::to_owned);
    let bodies = || prop_oneof![2 => tame_body(), 1 => body()];
    prop_oneof![
        1 => plain,
        1 => bodies().prop_map(|body| format!("\"{body}\"")),
        1 => (select(vec!["U&", "u&"]), bodies(), uescape())
            .prop_map(|(prefix, body, tail)| format!("{prefix}\"{body}\"{tail}")),
    ]
}

fn statement() -> impl Strategy<Value = String> {
    (blank(), string(), blank(), name(), blank()).prop_map(|(one, string, two, name, three)| {
        format!("SELECT see(to_jsonb(s)) FROM (SELECT{one}{string}{two}AS {name}{three}) s")
    })
}

/// Statements, some with random edits.
fn text() -> impl Strategy<Value = String> {
    let statements = prop::collection::vec((statement(), blank()), 1..4).prop_map(|statements| {
        (statements.iter())
            .map(|(statement, blank)| format!("{statement};{blank}"))
            .collect()
    });
    let damage = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((any::<Index>(), 0..3_usize, body()), 1..3),
    ];
    (statements, damage).prop_map(|(text, damage): (String, _)| {
        let mut characters: Vec<char> = text.chars().collect();
        for (at, removed, inserted) in damage {
            let start = at.index(characters.len() + 1);
            let end = (start + removed).min(characters.len());
            characters.splice(start..end, inserted.chars());
        }
        characters.into_iter().collect()
    })
}

#[test]
fn the_check_splits_a_text_as_postgres_does() {
    let (_database, mut conn) = database();
    conn.batch_execute(SETUP).unwrap();
    for (path, text) in corpus("tokens") {
        let compared = compare(&mut conn, &text);
        assert!(matches!(compared, Ok(true)), "{path}: {compared:?}");
    }
    let (mut accepted, cases) = (0, cases(1_000));
    for_all(cases, text(), |text| {
        accepted += u32::from(compare(&mut conn, &text)?);
        Ok(())
    });
    assert!(accepted > cases / 10, "Postgres accepts {accepted} texts of {cases}");
}
