//! The first code block of README.md runs as an application's function. (The documentation tests compile all of them.)

mod send_welcome;

use crate::support::connected;

const README: &str = include_str!("../../README.md");

#[test]
fn the_readmes_example_runs() {
    let code = include_str!("readme/send_welcome.rs").replace("pub(super) fn", "fn");
    assert!(README.contains(&code), "README.md does not show\n{code}");
    let (_database, mut conn) = connected();
    send_welcome::send_welcome(&mut conn).unwrap();
}
