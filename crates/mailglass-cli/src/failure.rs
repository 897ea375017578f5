//! Failures, with their exit codes.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anstream::stderr;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::json;

/// The kind of a failure. It determines the `code` in JSON and the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Usage,
    Unreachable,
    UnexpectedDatabase,
    Failed,
    Interrupted,
}

impl Kind {
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Unreachable => 3,
            Kind::UnexpectedDatabase => 4,
            Kind::Failed => 5,
            Kind::Interrupted => 130,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Failure {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Failure::new(Kind::Failed, message)
    }

    /// A file or folder that can't be read or written.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        Failure::failed(format!("{}: {error}", path.display()))
    }

    /// Adds advice on how to fix the failure.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.kind.exit_code())
    }

    /// Writes the failure to standard error. If that is closed, the message is lost.
    pub(crate) fn report(&self, is_json: bool) {
        let message = one_line(&self.message);
        let hint = self.hint.as_deref().map(one_line);
        if is_json {
            let error = json!({"error": {"code": self.kind, "message": message, "hint": hint}});
            let _ = writeln!(stderr(), "{error}");
            return;
        }
        let bad = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let _ = writeln!(stderr(), "{bad}mailglass:{bad:#} {message}");
        if let Some(hint) = hint {
            let good = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
            let _ = writeln!(stderr(), "     {good}hint:{good:#} {hint}");
        }
    }
}

/// Removes line breaks and control characters: libpq's messages have several lines, and a server can send any text.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words
        .join(" ")
        .chars()
        .filter(|character| !character.is_control())
        .collect()
}
