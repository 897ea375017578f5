//! Nothing is left of a throwaway server, in whatever way its user ends.
//!
//! The user is this program once more, in a process of its own, so that it can be killed.

#![cfg(target_os = "linux")] // What is left is looked for in /proc.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod support;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{Read as _, stdin};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use scratch_postgres::Server;
use support::{Scratch, again, eventually, role, server, tell, this_program_as, told};

/// Not a test of itself: the process that the others start.
#[test]
fn user() {
    let Some(ending) = role() else { return };
    if ending == "drop" {
        let server = Server::start().unwrap();
        tell("directory", server.directory().unwrap().display());
        let directory = server.directory().unwrap().to_owned();
        drop(server);
        assert!(!directory.exists(), "drop returned before the directory was gone");
        return;
    }
    let directory = server().directory().unwrap();
    let _database = server().database().unwrap();
    let lock_file = fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    let line = |number: usize| lock_file.lines().nth(number - 1).unwrap();
    tell("directory", directory.display());
    tell("postmaster", line(1));
    tell("segment", line(7).split_whitespace().last().unwrap());
    // The parent looks at us while we are alive, and has us go on by closing this.
    let _ = stdin().read_to_end(&mut Vec::new());
    match ending.as_str() {
        "return" => {}
        "panic" => panic!("as asked"),
        "exit" => process::exit(3),
        other => panic!("no such ending: {other}"),
    }
}

/// The variable by which a process is known to belong to one test; it is inherited.
const MARK: &str = "SCRATCH_POSTGRES_TEST_MARK";

struct Marked(String);

impl Marked {
    fn new(test: &str) -> Self {
        Self(format!("{test}-{}", process::id()))
    }

    fn spawn(&self, command: &mut Command) -> Child {
        command.env(MARK, &self.0).spawn().unwrap()
    }

    /// The command lines of the processes that have the mark.
    fn processes(&self) -> Vec<String> {
        let wanted = format!("{MARK}={}", self.0);
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            // Any of them may end between two lines of this loop.
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            if environment
                .split(|&byte| byte == 0)
                .any(|pair| pair == wanted.as_bytes())
            {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(String::from_utf8_lossy(&line).replace('\0', " "));
            }
        }
        found
    }
}

/// The server's directory, if a process's command line names it.
fn directory_in(command_line: &str) -> Option<PathBuf> {
    // The shell's command line is the whole supervisor script, with the pattern of the name.
    let mut words = command_line
        .split_whitespace()
        .filter(|_| !command_line.starts_with("sh -c"));
    let word = words.find(|word| word.contains("/scratch-pg."))?;
    Some(PathBuf::from(word.trim_end_matches("/data")))
}

fn segment_exists(id: &str) -> bool {
    let segments = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    segments.lines().any(|line| line.split_whitespace().nth(1) == Some(id))
}

/// Starts a user by `command`, ends it by `end`, and looks for leftovers.
fn nothing_is_left_after(test: &str, command: &mut Command, end: impl FnOnce(&mut Child, &str)) {
    let marked = Marked::new(test);
    let mut child = marked.spawn(command);
    let [directory, postmaster, segment] = told(&mut child, ["directory", "postmaster", "segment"]);
    // Else the checks below would hold of anything.
    assert!(Path::new(&directory).is_dir());
    assert!(Path::new("/proc").join(&postmaster).is_dir());
    assert!(segment_exists(&segment));
    assert!(marked.processes().len() >= 3, "{:?}", marked.processes());

    end(&mut child, &postmaster);
    child.wait().unwrap();
    eventually("the server's processes are gone", || marked.processes().is_empty());
    assert!(!Path::new(&directory).exists(), "{directory} is left");
    assert!(!Path::new("/proc").join(&postmaster).exists(), "the postmaster is left");
    assert!(!segment_exists(&segment), "shared-memory segment {segment} is left");
}

/// Closing its standard input has the user go on to its end.
fn go_on(child: &mut Child, _postmaster: &str) {
    drop(child.stdin.take());
}

#[test]
fn a_return_leaves_nothing() {
    nothing_is_left_after("return", &mut this_program_as("user", "return"), go_on);
}

#[test]
fn a_panic_leaves_nothing() {
    nothing_is_left_after("panic", &mut this_program_as("user", "panic"), go_on);
}

#[test]
fn an_exit_leaves_nothing() {
    nothing_is_left_after("exit", &mut this_program_as("user", "exit"), go_on);
}

#[test]
fn a_kill_leaves_nothing() {
    nothing_is_left_after("kill", &mut this_program_as("user", "return"), |child, _| {
        child.kill().unwrap();
    });
}

/// A bare machine has no kill(1).
fn send(signal: Signal, process: &str) {
    kill(Pid::from_raw(process.parse().unwrap()), signal).unwrap();
}

/// As a CI system ends a job.
#[test]
fn a_termination_of_every_process_leaves_nothing() {
    let mut command = this_program_as("user", "return");
    nothing_is_left_after("terminate", &mut command, |child, postmaster| {
        let status = fs::read_to_string(format!("/proc/{postmaster}/status")).unwrap();
        let supervisor = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
        let user = child.id().to_string();
        for process in [supervisor.trim(), postmaster, &user] {
            send(Signal::SIGTERM, process);
        }
    });
}

#[test]
fn a_postmaster_that_died_by_itself_leaves_nothing() {
    let mut command = this_program_as("user", "return");
    nothing_is_left_after("postmaster", &mut command, |child, postmaster| {
        send(Signal::SIGKILL, postmaster);
        go_on(child, postmaster);
    });
}

#[test]
fn a_drop_has_removed_everything_when_it_returns() {
    let marked = Marked::new("drop");
    let mut child = marked.spawn(&mut this_program_as("user", "drop"));
    let [directory] = told(&mut child, ["directory"]);
    assert!(child.wait().unwrap().success());
    assert!(!Path::new(&directory).exists());
    assert!(marked.processes().is_empty(), "{:?}", marked.processes());
}

/// Kills a user as soon as `now` holds of its processes' command lines.
fn nothing_is_left_after_a_kill(test: &str, mut now: impl FnMut(&[String]) -> bool) {
    let marked = Marked::new(test);
    let mut child = marked.spawn(&mut this_program_as("user", "return"));
    let mut directories = BTreeSet::new();
    let mut look = || {
        let processes = marked.processes();
        directories.extend(processes.iter().filter_map(|line| directory_in(line)));
        processes
    };
    eventually("the moment to kill", || now(&look()));
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the server's processes are gone", || look().is_empty());
    assert!(!directories.is_empty(), "the server never had a directory");
    for directory in directories {
        assert!(!directory.exists(), "{directory:?} is left");
    }
}

#[test]
fn a_kill_during_initdb_leaves_nothing() {
    nothing_is_left_after_a_kill("initdb", |processes| {
        processes.iter().any(|line| line.contains("/initdb -D"))
    });
}

#[test]
fn a_kill_while_postgres_starts_leaves_nothing() {
    nothing_is_left_after_a_kill("starting", |processes| {
        processes
            .iter()
            .any(|line| line.contains("/postgres -D") && line.contains(" -k "))
    });
}

#[test]
fn a_kill_at_any_other_moment_leaves_nothing() {
    for milliseconds in [3, 30, 150, 300, 500, 800] {
        // From the moment on at which there is a supervisor, whatever it is at.
        nothing_is_left_after_a_kill(&format!("after-{milliseconds}"), |processes| {
            let begun = processes.iter().any(|line| line.starts_with("sh -c"));
            if begun {
                thread::sleep(Duration::from_millis(milliseconds));
            }
            begun
        });
    }
}

#[test]
fn an_ordinary_user_leaves_nothing_either() {
    if !geteuid().is_root() {
        return; // All the other tests have run as an ordinary user.
    }
    // Cargo's target directory may well be one that `nobody` cannot enter.
    let scratch = Scratch::new();
    let program = scratch.path().join("user");
    // By another process, lest a child forked just then hold the file open for writing.
    let copied = Command::new("cp")
        .arg(env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let mut command = again(&program, "user", "return");
    command
        .uid(nobody.uid.as_raw())
        .gid(nobody.gid.as_raw())
        .current_dir("/");
    nothing_is_left_after("ordinary", &mut command, |child, postmaster| {
        let owner = fs::read_to_string(format!("/proc/{postmaster}/status")).unwrap();
        let owner = owner.lines().find(|line| line.starts_with("Uid:")).unwrap().to_owned();
        let id = nobody.uid.to_string();
        assert_eq!(owner.split_whitespace().nth(1), Some(id.as_str()));
        child.kill().unwrap();
    });
}
