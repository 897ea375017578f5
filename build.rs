//! Embedded migrations: Cargo doesn't see that `embed_migrations!` reads a folder, so it is told.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
