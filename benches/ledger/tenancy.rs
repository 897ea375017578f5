//! The cost of row-level security: `record` as the owner without a scope, in a scope without policies, and below the policies.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use mailglass::roles::{self, Access};
use mailglass::{Error, ledger, tenancy};
use scratch_postgres::Database;

use crate::bench::{Bench, connect};
use crate::data::{Shape, TENANT};
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

const ROLE: &str = "bench_app";

#[derive(Clone, Copy, PartialEq)]
enum Setting {
    /// The owner of the tables, each call by itself.
    Plain,
    /// The owner, each call in a transaction.
    Transaction,
    /// The application's role in a scope; the tables have no policies.
    Scope,
    /// The application's role in a scope, below the policies.
    Policies,
}

const SETTINGS: [(&str, Setting); 4] = [
    ("plain", Setting::Plain),
    ("in a transaction", Setting::Transaction),
    ("in a scope", Setting::Scope),
    ("below policies", Setting::Policies),
];

/// Batches of 1,000 events.
pub fn batches(bench: &Bench) -> Table {
    let contenders = SETTINGS.map(|(name, setting)| contender(bench, name, setting, 1_000, 1));
    Table {
        title: "Events per second by record, 1,000 per batch, with and without row-level security.".to_owned(),
        unit: "per second",
        of: "plain",
        rows: Table::rows_of("1000 per batch", &rates(bench.rounds, 20 / bench.divisor, &contenders)),
    }
}

/// Single events, each in a scope of its own.
pub fn single(bench: &Bench) -> Table {
    let contenders = SETTINGS.map(|(name, setting)| contender(bench, name, setting, 1, 100));
    Table {
        title: "Single events per second by record, with and without row-level security, synchronous_commit = off."
            .to_owned(),
        unit: "per second",
        of: "plain",
        rows: Table::rows_of("1 per call", &rates(bench.rounds, 20 / bench.divisor, &contenders)),
    }
}

/// Records `calls` batches of `size` events in a step.
fn contender<'a>(bench: &'a Bench, name: &str, setting: Setting, size: usize, calls: usize) -> Contender<'a> {
    Contender::new(name, move || {
        let database = bench.database();
        let mut conn = connect(&database);
        conn.batch_execute("SET synchronous_commit = off")
            .expect("the setting should be accepted");
        if setting == Setting::Policies {
            tenancy::enable(&mut conn).expect("the policies should be created");
        }
        if matches!(setting, Setting::Scope | Setting::Policies) {
            become_application(&database, &mut conn);
        }
        let mut run = move |step: usize| {
            let _kept = &database;
            let first = step * calls;
            let inputs: Vec<_> = (first..first + calls)
                .map(|call| Shape::Webhook.events(call * size..(call + 1) * size))
                .collect();
            Run::of(size * calls, || {
                let record = |events| {
                    match setting {
                        Setting::Plain => ledger::record(&mut conn, events),
                        Setting::Transaction => conn.transaction::<_, Error, _>(|conn| ledger::record(conn, events)),
                        Setting::Scope | Setting::Policies => {
                            tenancy::scoped(&mut conn, TENANT, |conn| ledger::record(conn, events))
                        }
                    }
                    .expect("the events should be recorded")
                };
                inputs.into_iter().map(record).collect::<Vec<_>>()
            })
        };
        // Warm up the connection with a step that is not measured.
        let _ = run(1_000_000 / (size * calls));
        run
    })
}

fn become_application(database: &Database, conn: &mut PgConnection) {
    // Roles belong to the server, which outlives the database.
    let _ = sql_query(format!("CREATE ROLE {ROLE}")).execute(&mut connect(database));
    roles::grant(conn, ROLE, Access::App).expect("the rights should be granted");
    sql_query(format!("SET ROLE {ROLE}"))
        .execute(conn)
        .expect("the role should exist");
}
