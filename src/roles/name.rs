//! Names of roles.

use crate::error::{Error, Result};
use crate::sql::quoted;

/// The longest identifier of PostgreSQL in bytes. It cuts longer ones off.
const MAX_BYTES: usize = 63;

/// Checks the name of a role, and quotes it.
pub(super) fn quoted_role(name: &str) -> Result<String> {
    let problem = if ["", "public", "none"].contains(&name) {
        // PostgreSQL reads these as keywords even if they are quoted.
        format!("{name:?} is not the name of a role")
    } else if name.contains('\0') {
        "can't hold a NUL byte".to_owned()
    } else if name.len() > MAX_BYTES {
        format!(
            "is {} bytes long, and PostgreSQL would cut it off after {MAX_BYTES}: it could name another role",
            name.len()
        )
    } else {
        return Ok(quoted(name));
    };
    Err(Error::invalid("role", problem))
}
