//! Connection strings: of a throwaway server, and of another database on the same server.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The connection string of the throwaway server whose socket is in `directory`.
///
/// It names the port, because libpq would otherwise use `PGPORT`, which is meant for other servers.
pub(crate) fn of_socket(directory: &Path) -> String {
    let mut host = String::new();
    for &byte in directory.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            host.push(char::from(byte));
        } else {
            host.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("postgresql:///postgres?host={host}&port=5432&user=postgres")
}

/// `connection` with the name of its database replaced. It may be a URL or a list of keywords and values.
pub(crate) fn with_database(connection: &str, name: &str) -> String {
    let scheme = ["postgresql://", "postgres://"]
        .into_iter()
        .find(|scheme| connection.starts_with(scheme));
    let Some(scheme) = scheme else {
        // Keywords and values (`host=… dbname=…`): the last value of a keyword takes effect.
        return format!("{connection} dbname='{name}'");
    };

    // As in libpq, the user's part ends at the first `@` that precedes any `/`, and a `?` in a
    // password does not begin the parameters.
    let rest = &connection[scheme.len()..];
    let user = match rest.find(['@', '/']) {
        Some(end) if rest[end..].starts_with('@') => end + 1,
        _ => 0,
    };
    let host = user + rest[user..].find(['/', '?']).unwrap_or(rest.len() - user);
    let parameters = rest[host..].split_once('?').map_or("", |(_, parameters)| parameters);
    // A `dbname` parameter would take precedence over the path.
    let parameters: Vec<&str> = parameters
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("dbname="))
        .collect();
    let question_mark = if parameters.is_empty() { "" } else { "?" };
    format!(
        "{scheme}{}/{name}{question_mark}{}",
        &rest[..host],
        parameters.join("&")
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn only_the_database_of_a_connection_string_is_replaced() {
        for (given, expected) in [
            ("postgres://me:pw@host:5432/old", "postgres://me:pw@host:5432/NEW"),
            ("postgresql://me:pw@host/old?a=b", "postgresql://me:pw@host/NEW?a=b"),
            ("postgres://host", "postgres://host/NEW"),
            ("postgres://host/", "postgres://host/NEW"),
            ("postgres://host?a=b&c=d", "postgres://host/NEW?a=b&c=d"),
            ("postgres://", "postgres:///NEW"),
            (
                "postgresql:///old?host=/tmp/x&user=me",
                "postgresql:///NEW?host=/tmp/x&user=me",
            ),
            ("postgresql:///?host=/tmp/x", "postgresql:///NEW?host=/tmp/x"),
            // The parameter would take precedence over the path.
            ("postgres://host/old?dbname=other&a=b", "postgres://host/NEW?a=b"),
            ("postgres://host?dbname=other", "postgres://host/NEW"),
            // Other places with a `/`, `?` or `@`.
            ("postgres://me:p?w@host/old?a=b/c", "postgres://me:p?w@host/NEW?a=b/c"),
            ("postgres://%2Ftmp%2Fx/old", "postgres://%2Ftmp%2Fx/NEW"),
            ("postgres://[::1]:5432/old", "postgres://[::1]:5432/NEW"),
            ("postgres://one:1,two:2/old", "postgres://one:1,two:2/NEW"),
            ("postgres://host/old?user=me@there", "postgres://host/NEW?user=me@there"),
            // libpq reads everything before the `@` as the user.
            ("postgres://a?user=me@host", "postgres://a?user=me@host/NEW"),
            // Keywords and values.
            ("host=/tmp/x dbname=old", "host=/tmp/x dbname=old dbname='NEW'"),
        ] {
            assert_eq!(super::with_database(given, "NEW"), expected, "for {given}");
        }
    }

    #[test]
    fn special_characters_of_a_socket_directory_are_escaped() {
        let url = super::of_socket(Path::new("/tmp/a b&c?/scratch-pg.x"));
        assert!(url.contains("host=/tmp/a%20b%26c%3F/scratch-pg.x&"), "{url}");
    }
}
