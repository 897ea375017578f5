//! The user that a throwaway server runs as.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::unistd::{User, geteuid};

use crate::error::Error;

/// The user that runs PostgreSQL's programs, if it is not the current one. PostgreSQL refuses to run as root.
pub(crate) struct ServerUser(Option<User>);

impl ServerUser {
    /// The current user. If that is root: `postgres`, else `nobody`.
    pub(crate) fn find() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self(None));
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self(Some(user)))
            .ok_or(Error::NoUnprivilegedUser)
    }

    /// A command that runs `program` as this user, in a directory that every user can enter.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/");
        if let Some(user) = &self.0 {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command
    }
}
