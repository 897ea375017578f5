//! A throwaway server is removed completely, however the process that uses it ends.
//!
//! That process is another instance of this program, so that a test can kill it.

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

use crate::support::{Scratch, eventually, report, reported, role, run_only, server, this_program_as};

/// Not a test by itself: the process that the tests start.
#[test]
fn user() {
    let Some(ending) = role() else { return };
    if ending == "drop" {
        let server = Server::start().unwrap();
        report("directory", server.directory().unwrap().display());
        let directory = server.directory().unwrap().to_owned();
        drop(server);
        assert!(!directory.exists(), "drop returned before the directory was removed");
        return;
    }
    let directory = server().directory().unwrap();
    let _database = server().database().unwrap();
    let lock_file = fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
    let line = |number: usize| lock_file.lines().nth(number - 1).unwrap();
    report("directory", directory.display());
    report("postmaster", line(1));
    report("segment", line(7).split_whitespace().last().unwrap());
    // The parent closes standard input after it has inspected this process.
    let _ = stdin().read_to_end(&mut Vec::new());
    match ending.as_str() {
        "return" => {}
        "panic" => panic!("as asked"),
        "exit" => process::exit(3),
        other => panic!("unknown role {other}"),
    }
}

/// An environment variable that identifies the processes of one test. Child processes inherit it.
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
            // A process may end at any time in this loop.
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

/// The server's directory, if a command line names it.
fn directory_in(command_line: &str) -> Option<PathBuf> {
    // The command line of the shell is the supervisor script, which contains a pattern of the name.
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

/// Starts a process with `command`, ends it with `end`, and checks that nothing is left.
fn nothing_is_left_after(test: &str, command: &mut Command, end: impl FnOnce(&mut Child, &str)) {
    let marked = Marked::new(test);
    let mut child = marked.spawn(command);
    let [directory, postmaster, segment] = reported(&mut child, ["directory", "postmaster", "segment"]);
    // Check that the server exists, so that the checks below can fail.
    assert!(Path::new(&directory).is_dir());
    assert!(Path::new("/proc").join(&postmaster).is_dir());
    assert!(segment_exists(&segment));
    assert!(marked.processes().len() >= 3, "{:?}", marked.processes());

    end(&mut child, &postmaster);
    child.wait().unwrap();
    eventually("the server's processes have ended", || marked.processes().is_empty());
    assert!(!Path::new(&directory).exists(), "{directory} still exists");
    assert!(
        !Path::new("/proc").join(&postmaster).exists(),
        "the postmaster still exists"
    );
    assert!(
        !segment_exists(&segment),
        "shared-memory segment {segment} still exists"
    );
}

/// Closes standard input, upon which the process ends by itself.
fn let_end(child: &mut Child, _postmaster: &str) {
    drop(child.stdin.take());
}

#[test]
fn a_return_leaves_nothing() {
    nothing_is_left_after("return", &mut this_program_as("cleanup::user", "return"), let_end);
}

#[test]
fn a_panic_leaves_nothing() {
    nothing_is_left_after("panic", &mut this_program_as("cleanup::user", "panic"), let_end);
}

#[test]
fn an_exit_leaves_nothing() {
    nothing_is_left_after("exit", &mut this_program_as("cleanup::user", "exit"), let_end);
}

#[test]
fn a_kill_leaves_nothing() {
    nothing_is_left_after("kill", &mut this_program_as("cleanup::user", "return"), |child, _| {
        child.kill().unwrap();
    });
}

/// Sends a signal without kill(1), which a minimal system lacks.
fn send(signal: Signal, process: &str) {
    kill(Pid::from_raw(process.parse().unwrap()), signal).unwrap();
}

/// CI systems terminate all processes of a job.
#[test]
fn a_termination_of_every_process_leaves_nothing() {
    let mut command = this_program_as("cleanup::user", "return");
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
    let mut command = this_program_as("cleanup::user", "return");
    nothing_is_left_after("postmaster", &mut command, |child, postmaster| {
        send(Signal::SIGKILL, postmaster);
        let_end(child, postmaster);
    });
}

#[test]
fn drop_removes_everything_before_it_returns() {
    let marked = Marked::new("drop");
    let mut child = marked.spawn(&mut this_program_as("cleanup::user", "drop"));
    let [directory] = reported(&mut child, ["directory"]);
    assert!(child.wait().unwrap().success());
    assert!(!Path::new(&directory).exists());
    assert!(marked.processes().is_empty(), "{:?}", marked.processes());
}

/// Kills the process as soon as `now` returns true for the command lines of all processes of the test.
fn nothing_is_left_after_a_kill(test: &str, mut now: impl FnMut(&[String]) -> bool) {
    let marked = Marked::new(test);
    let mut child = marked.spawn(&mut this_program_as("cleanup::user", "return"));
    let mut directories = BTreeSet::new();
    let mut look = || {
        let processes = marked.processes();
        directories.extend(processes.iter().filter_map(|line| directory_in(line)));
        processes
    };
    eventually("the processes to kill have started", || now(&look()));
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the server's processes have ended", || look().is_empty());
    assert!(!directories.is_empty(), "the server never had a directory");
    for directory in directories {
        assert!(!directory.exists(), "{directory:?} still exists");
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
        // Counted from the start of the supervisor.
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
fn an_ordinary_user_leaves_nothing() {
    if !geteuid().is_root() {
        return; // The other tests run as an ordinary user already.
    }
    // `nobody` may be unable to enter Cargo's target directory.
    let scratch = Scratch::new();
    let program = scratch.path().join("user");
    // Another process makes the copy. A child that is forked at this moment would inherit a file that this process has open
    // for writing.
    let copied = Command::new("cp")
        .arg(env::current_exe().unwrap())
        .arg(&program)
        .status();
    assert!(copied.unwrap().success());
    let nobody = User::from_name("nobody").unwrap().unwrap();
    let mut command = run_only(&program, "cleanup::user", "return");
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
