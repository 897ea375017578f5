//! Holds the closed sets together before anything is compiled: what stands in `api_stability.md`, in the Rust enums and in
//! the migrations, and what was released (`src/contract/check`).

use std::path::Path;
use std::{env, fs, io};

#[path = "src/contract/check/mod.rs"]
mod check;

fn main() -> io::Result<()> {
    // `embed_migrations!` reads the migrations, too, and Cargo doesn't see that.
    for path in check::READS {
        println!("cargo::rerun-if-changed={path}");
    }
    match check::check(&check::Inputs::read(Path::new("."), env!("CARGO_PKG_VERSION"))) {
        Ok(contract) => {
            let folder = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
            for (name, code) in contract.generated() {
                fs::write(Path::new(&folder).join(name), code)?;
            }
        }
        Err(findings) => check::report(&findings)
            .lines()
            .for_each(|line| println!("cargo::error={line}")),
    }
    Ok(())
}
