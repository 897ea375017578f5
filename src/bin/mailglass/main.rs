//! The command `mailglass`.

fn main() {}
