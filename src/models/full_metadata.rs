//! The metadata of an event with what its setters name.

use std::fmt;
use std::io::Write as _;

use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Jsonb;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// The application's metadata, and the values of the setters, which replace those in `metadata`. It is encoded without
/// making a JSON object of both first, because events are recorded by the thousand.
#[derive(Clone, Copy)]
pub(crate) struct FullMetadata<'a> {
    pub(super) metadata: &'a Value,
    pub(super) set: [(&'static str, Option<&'a str>); 2],
}

impl Serialize for FullMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_set = |key: &str| self.set.iter().any(|(name, value)| *name == key && value.is_some());
        let mut members = serializer.serialize_map(None)?;
        for (key, value) in self.set {
            if let Some(value) = value {
                members.serialize_entry(key, value)?;
            }
        }
        for (key, value) in self.metadata.as_object().into_iter().flatten() {
            if !is_set(key) {
                members.serialize_entry(key, value)?;
            }
        }
        members.end()
    }
}

impl fmt::Debug for FullMetadata<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl ToSql<Jsonb, Pg> for FullMetadata<'_> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        /// The version of jsonb's binary format.
        const VERSION: u8 = 1;

        out.write_all(&[VERSION])?;
        serde_json::to_writer(out, self)?;
        Ok(IsNull::No)
    }
}
