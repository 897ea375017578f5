//! The database of each test: one of its own or, with `MAILGLASS_CITUS_URL`, a schema that Citus distributes.

use std::sync::Barrier;
use std::thread;

use diesel::prelude::*;
use test_support::citus::{Migrated, Schema, coordinator};

/// A migrated database or schema, which is dropped with this value.
pub enum Database {
    Own(scratch_postgres::Database),
    Distributed(Schema),
}

/// Something to connect to.
pub trait Address: Sync {
    fn url(&self) -> &str;
}

impl Address for scratch_postgres::Database {
    fn url(&self) -> &str {
        scratch_postgres::Database::url(self)
    }
}

impl Address for Database {
    fn url(&self) -> &str {
        Database::url(self)
    }
}

impl Database {
    pub fn url(&self) -> &str {
        match self {
            Database::Own(database) => database.url(),
            Database::Distributed(schema) => schema.url(),
        }
    }
}

pub fn database() -> Database {
    match coordinator() {
        Some(coordinator) => Database::Distributed(Schema::create(&coordinator, Migrated::BeforeDistribution)),
        None => Database::Own(test_support::database()),
    }
}

pub fn connect(database: &(impl Address + ?Sized)) -> PgConnection {
    PgConnection::establish(database.url()).expect("the database should accept a connection")
}

/// Creates a migrated database and connects to it.
pub fn connected() -> (Database, PgConnection) {
    let database = database();
    let conn = connect(&database);
    (database, conn)
}

/// Starts the workers at the same moment, each with its own connection, and returns their results.
pub fn at_once<T: Send>(
    database: &impl Address,
    workers: usize,
    work: impl Fn(usize, &mut PgConnection) -> T + Sync,
) -> Vec<T> {
    let barrier = Barrier::new(workers);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|worker| {
                let (barrier, work) = (&barrier, &work);
                scope.spawn(move || {
                    let mut conn = connect(database);
                    barrier.wait();
                    work(worker, &mut conn)
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    })
}
