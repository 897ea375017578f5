//! The README's code, as it stands there, does what it says.

mod main_job;

use crate::support::connected;

#[test]
fn the_readmes_code_runs() {
    let code = include_str!("readme/main_job.rs").replace("pub(super) fn", "fn");
    assert!(
        include_str!("../../README.md").contains(&code),
        "README.md shows other code than {code}"
    );
    let (_database, mut conn) = connected();
    main_job::main_job(&mut conn).unwrap();
}
