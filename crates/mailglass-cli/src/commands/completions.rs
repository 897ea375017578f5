//! `mailglass completions`.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output::Output;

const AFTER: &str = "\
Examples:
  mailglass completions bash > ~/.local/share/bash-completion/completions/mailglass
  mailglass completions zsh > ~/.zfunc/_mailglass        # with ~/.zfunc in fpath
  mailglass completions fish > ~/.config/fish/completions/mailglass.fish";

/// Write a completion script for a shell.
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, program: &mut Command, output: &mut Output) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, program, "mailglass", &mut script);
        output.line(String::from_utf8_lossy(&script).trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
