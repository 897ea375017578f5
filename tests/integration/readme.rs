//! The code blocks of README.md are code that runs: the first one here, the mapping of bounces in the quickstart. (The
//! documentation tests compile all of them.)

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

#[test]
fn the_quickstart_maps_bounces_as_the_readme_does() {
    for (name, file) in [
        ("postmark_bounce", include_str!("../../examples/quickstart/postmark.rs")),
        ("sendgrid_bounce", include_str!("../../examples/quickstart/sendgrid.rs")),
    ] {
        let start = file.find(&format!("fn {name}(")).unwrap();
        let (function, _) = file[start..].split_once("\n}\n").unwrap();
        assert!(README.contains(function), "README.md does not show\n{function}");
    }
}
