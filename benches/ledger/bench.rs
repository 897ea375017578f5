//! The server and the databases that the benchmarks use.

use std::env;

use diesel::prelude::*;
use scratch_postgres::{DURABLE, Database, Server, Template};

use crate::data;

/// A server, a migrated template database, and the amount of work.
pub struct Bench {
    server: Server,
    template: Template,
    pub rounds: usize,
    /// The amount of data is divided by this number.
    pub divisor: usize,
    pub ten_million: bool,
}

impl Bench {
    pub fn new(is_quick: bool, ten_million: bool) -> Bench {
        let is_given = env::var("DATABASE_URL").is_ok_and(|url| !url.trim().is_empty());
        let settings = [&DURABLE[..], &[("shared_buffers", "256MB")]].concat();
        let server = if is_given {
            Server::from_env_or_start()
        } else {
            Server::start_with(&settings)
        }
        .expect("the server should start");
        let template = server
            .template(|url| {
                let mut conn = PgConnection::establish(url).map_err(|error| error.to_string())?;
                mailglass::migrations::run(&mut conn).map_err(|error| error.to_string())?;
                data::deliveries(&mut conn);
                Ok::<_, String>(())
            })
            .expect("the template should be migrated");
        Bench {
            server,
            template,
            rounds: if is_quick { 3 } else { 7 },
            divisor: if is_quick { 10 } else { 1 },
            ten_million,
        }
    }

    /// Creates a migrated database that holds only the deliveries of [`data::deliveries`].
    pub fn database(&self) -> Database {
        self.server
            .database_from(&self.template)
            .expect("the template should be copied")
    }
}

pub fn connect(database: &Database) -> PgConnection {
    PgConnection::establish(database.url()).expect("the database should accept a connection")
}
