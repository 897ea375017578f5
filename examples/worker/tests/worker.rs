//! Runs the example as a process.
#![expect(clippy::expect_used, reason = "a test that can't continue panics")]

use std::process::Command;

#[test]
fn each_mail_is_sent_once_although_workers_are_killed_and_the_provider_fails() {
    let run = Command::new(env!("CARGO_BIN_EXE_worker"))
        .args(["--deliveries", "200"])
        .output()
        .expect("the example should run");
    // Shown if the test fails. It has the seed.
    println!("{}", String::from_utf8_lossy(&run.stdout));
    eprintln!("{}", String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{}", run.status);
}
