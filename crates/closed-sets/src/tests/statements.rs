//! Where statements end.

use crate::split_statements;

#[test]
fn a_statement_ends_where_postgres_says() {
    let each = [
        "SELECT ';', '\\', 'it''s; \"';",
        r"SELECT E'\';', e'\\';",
        "SELECT U&';';",
        "CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS $f$ BEGIN RETURN $_1$;$$;$_1$; END; $f$;",
        "SELECT \"a;\"\"b;\" AS a$b$;",
        "SELECT 1 /* ; /* ; */ ; */ + 1 -- ;\n;",
        "-- ; what comes next\nSELECT 2",
    ];
    let text = format!("-- A file;\n/* of */ ;;\n{}\n;", each.join("\n"));
    let split = split_statements(&text).unwrap();
    assert_eq!(split.len(), each.len(), "{split:#?}");
    for (split, each) in split.iter().zip(each) {
        let whole = each.trim_start_matches("-- ; what comes next\n");
        assert!(split.starts_with(whole), "{split} is not {whole}");
    }
}

#[test]
fn what_is_never_closed_is_an_error() {
    let error = split_statements("SELECT 1;\n  'a;").unwrap_err();
    assert_eq!(error.to_string(), "line 2, column 3: this string is never closed");
    assert_eq!(split_statements(" -- nothing"), Ok(Vec::new()));
}
