//! Schemas that Citus distributes, for tests against a coordinator.

use std::env;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

/// Names the coordinator's database as a superuser. The database must have the extension and its nodes.
pub const VARIABLE: &str = "MAILGLASS_CITUS_URL";

/// The URL of the coordinator's database, if the environment names one.
pub fn coordinator() -> Option<String> {
    env::var(VARIABLE).ok().filter(|url| !url.trim().is_empty())
}

/// When the migrations are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrated {
    Not,
    BeforeDistribution,
    AfterDistribution,
}

/// A distributed schema. Dropping the value drops the schema.
pub struct Schema {
    coordinator: String,
    name: String,
    url: String,
}

impl Schema {
    /// Creates a schema in the coordinator's database, and distributes it.
    pub fn create(coordinator: &str, migrated: Migrated) -> Schema {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let name = format!("mg_{now}_{}_{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let url = with_parameter(coordinator, &format!("options=-csearch_path%3D{name}"));
        let schema = Schema {
            coordinator: coordinator.to_owned(),
            name,
            url,
        };
        let mut admin = schema.admin();
        admin.batch_execute(&format!("CREATE SCHEMA {}", schema.name)).unwrap();
        let distribute = format!("SELECT citus_schema_distribute('{}')", schema.name);
        if migrated != Migrated::BeforeDistribution {
            admin.batch_execute(&distribute).unwrap();
        }
        if migrated != Migrated::Not {
            mailglass::migrations::run(&mut PgConnection::establish(&schema.url).unwrap()).unwrap();
        }
        if migrated == Migrated::BeforeDistribution {
            admin.batch_execute(&distribute).unwrap();
        }
        schema
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL of the coordinator, with the schema first in `search_path`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A connection without the schema in its `search_path`.
    pub fn admin(&self) -> PgConnection {
        PgConnection::establish(&self.coordinator).unwrap()
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Ok(mut admin) = PgConnection::establish(&self.coordinator) {
            // Connections of a failed test may still have locks.
            let _ = admin.batch_execute("SET client_min_messages = error; SET lock_timeout = '10s'");
            let _ = admin.batch_execute(&format!("DROP SCHEMA {} CASCADE", self.name));
        }
    }
}

fn with_parameter(url: &str, parameter: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}{parameter}")
}
