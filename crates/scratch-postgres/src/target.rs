//! How to reach a server: a connection string, and the same one for another database.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The connection string of the throwaway server whose socket is in `directory`.
///
/// The port is said because libpq would otherwise take `PGPORT`, which is meant for other servers.
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

/// `connection` with its database's name replaced; both of libpq's forms are understood.
pub(crate) fn with_database(connection: &str, name: &str) -> String {
    let scheme = ["postgresql://", "postgres://"]
        .into_iter()
        .find(|scheme| connection.starts_with(scheme));
    let Some(scheme) = scheme else {
        // Keywords and values (`host=… dbname=…`): the last of a keyword wins.
        return format!("{connection} dbname='{name}'");
    };

    // As libpq reads it: the user's part ends at the first `@` that comes before any `/`, and a
    // `?` in a password does not begin the parameters.
    let rest = &connection[scheme.len()..];
    let user = match rest.find(['@', '/']) {
        Some(end) if rest[end..].starts_with('@') => end + 1,
        _ => 0,
    };
    let host = user + rest[user..].find(['/', '?']).unwrap_or(rest.len() - user);
    let parameters = rest[host..].split_once('?').map_or("", |(_, parameters)| parameters);
    // A `dbname` among the parameters would win over the path.
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
    fn the_database_of_a_connection_string_is_replaced_and_nothing_else() {
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
            // The parameter would win over the path.
            ("postgres://host/old?dbname=other&a=b", "postgres://host/NEW?a=b"),
            ("postgres://host?dbname=other", "postgres://host/NEW"),
            // What else may stand where the database might be looked for.
            ("postgres://me:p?w@host/old?a=b/c", "postgres://me:p?w@host/NEW?a=b/c"),
            ("postgres://%2Ftmp%2Fx/old", "postgres://%2Ftmp%2Fx/NEW"),
            ("postgres://[::1]:5432/old", "postgres://[::1]:5432/NEW"),
            ("postgres://one:1,two:2/old", "postgres://one:1,two:2/NEW"),
            ("postgres://host/old?user=me@there", "postgres://host/NEW?user=me@there"),
            // libpq takes all before the `@` for the user.
            ("postgres://a?user=me@host", "postgres://a?user=me@host/NEW"),
            // Keywords and values.
            ("host=/tmp/x dbname=old", "host=/tmp/x dbname=old dbname='NEW'"),
        ] {
            assert_eq!(super::with_database(given, "NEW"), expected, "for {given}");
        }
    }

    #[test]
    fn a_socket_directory_with_a_strange_name_is_escaped() {
        let url = super::of_socket(Path::new("/tmp/a b&c?/scratch-pg.x"));
        assert!(url.contains("host=/tmp/a%20b%26c%3F/scratch-pg.x&"), "{url}");
    }
}
