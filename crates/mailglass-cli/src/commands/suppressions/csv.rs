//! Lines of comma-separated values (RFC 4180). A value does not contain a line break.

/// The values of a line, or what is wrong with it.
pub(super) fn values(line: &str) -> Result<Vec<String>, &'static str> {
    let mut values = Vec::new();
    let mut rest = line;
    loop {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (value, after) = rest.split_at(end);
                (value.trim().to_owned(), after)
            }
        };
        values.push(value);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(values),
            None => return Err("has text after a quotation mark that closes a value"),
        }
    }
}

/// The value after an opening quotation mark, and what is after the closing one.
fn quoted_value(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"').ok_or("has no closing quotation mark")?;
        value.push_str(part);
        match after.strip_prefix('"') {
            // Two quotation marks stand for one.
            Some(next) => {
                value.push('"');
                rest = next;
            }
            None => return Ok((value.trim().to_owned(), after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::values;

    fn read(values: &[&str]) -> Result<Vec<String>, &'static str> {
        Ok(values.iter().map(|&value| value.to_owned()).collect())
    }

    #[test]
    fn values_may_be_quoted_and_empty() {
        assert_eq!(values(""), read(&[""]));
        assert_eq!(values("a, b ,,c"), read(&["a", "b", "", "c"]));
        assert_eq!(values(r#""a,b","say ""hi""",c"#), read(&["a,b", r#"say "hi""#, "c"]));
        assert!(values(r#""a"b,c"#).is_err());
        assert!(values(r#"a,"b"#).is_err());
        assert!(values(r#"""#).is_err());
    }

    proptest! {
        #[test]
        fn quoted_values_are_read_as_they_were(given in prop::collection::vec("[a-z,\"é@]{0,6}", 1..5)) {
            let quoted: Vec<String> = given.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
            prop_assert_eq!(values(&quoted.join(",")), Ok(given));
        }
    }
}
