//! A migration's text as statements: one a message, because Citus takes no more than one.

#[allow(dead_code, reason = "the build's check needs more of it")]
#[path = "../contract/check/sql.rs"]
mod sql;

use std::ops::Range;

/// The statements of an `up.sql` or `down.sql`, each with what follows it up to the next one. Comments before the first
/// are left out.
pub(super) fn statements(text: &str) -> Result<Vec<&str>, String> {
    let tokens = sql::statements(text).map_err(|open| format!("a {} is never closed", open.what))?;
    let starts: Vec<usize> = tokens
        .iter()
        .filter_map(|statement| Some(statement.first()?.offset))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let range = |(&start, end)| Range { start, end };
    Ok(starts
        .iter()
        .zip(ends)
        .map(range)
        .map(|range| text[range].trim_end())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::statements;

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
        let split = statements(&text).unwrap_or_default();
        assert_eq!(split.len(), each.len(), "{split:#?}");
        for (split, each) in split.iter().zip(each) {
            let whole = each.trim_start_matches("-- ; what comes next\n");
            assert!(split.starts_with(whole), "{split} is not {whole}");
        }
    }

    #[test]
    fn what_is_never_closed_is_an_error() {
        assert!(statements("SELECT 'a;").is_err_and(|error| error.contains("string")));
        assert_eq!(statements(" -- nothing"), Ok(Vec::new()));
    }
}
