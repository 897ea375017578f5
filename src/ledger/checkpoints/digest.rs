//! A SHA-256.

use std::fmt;
use std::str::FromStr;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Binary};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};
use crate::sql::{sql, with_parameters};

/// A SHA-256. It is written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The digest that a statement returned.
    pub(super) fn of_database(bytes: &[u8]) -> Result<Self> {
        let bytes = <[u8; 32]>::try_from(bytes);
        bytes
            .map(Digest)
            .map_err(|error| Error::Database(diesel::result::Error::DeserializationError(Box::new(error))))
    }
}

/// Digests are computed by the database, so that the crate needs no implementation of SHA-256.
pub(super) fn digests(conn: &mut PgConnection, texts: &[Vec<u8>]) -> Result<Vec<Digest>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Binary)]
        digest: Vec<u8>,
    }

    let statement = with_parameters(&["texts"], &[], sql!("checkpoints/digests"));
    let rows: Vec<Row> = sql_query(statement).bind::<Array<Binary>, _>(texts).load(conn)?;
    rows.iter().map(|row| Digest::of_database(&row.digest)).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::invalid("digest", "must be 64 lower-case hexadecimal digits");
        let nibble = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let digits: Option<Vec<u8>> = text.bytes().map(nibble).collect();
        let digits = digits.filter(|digits| digits.len() == 64).ok_or_else(invalid)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, nibble| byte << 4 | nibble);
        }
        Ok(Digest(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
