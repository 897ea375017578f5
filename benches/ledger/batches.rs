//! `append` and `record` by batch size, compared with COPY and with Diesel's inserts of many rows and of single rows.

use std::thread;

use diesel::prelude::*;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::bench::{Bench, connect};
use crate::data;
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

/// Inserts the events with these numbers in one transaction.
type Insert = fn(&mut PgConnection, std::ops::Range<usize>);

const CONTENDERS: [(&str, Insert); 5] = [
    ("COPY", |conn, numbers| data::copy(conn, numbers)),
    ("Diesel, many rows", |conn, numbers| {
        let rows: Vec<data::Row> = numbers.map(data::row).collect();
        let inserted = diesel::insert_into(mailglass_events::table)
            .values(rows)
            .on_conflict(mailglass_events::idempotency_key)
            .filter_target(mailglass_events::idempotency_key.is_not_null())
            .do_nothing()
            .execute(conn);
        inserted.expect("the rows should be inserted");
    }),
    ("Diesel, row by row", |conn, numbers| {
        let inserted = conn.transaction(|conn| {
            for number in numbers {
                diesel::insert_into(mailglass_events::table)
                    .values(data::row(number))
                    .on_conflict(mailglass_events::idempotency_key)
                    .filter_target(mailglass_events::idempotency_key.is_not_null())
                    .do_nothing()
                    .execute(conn)?;
            }
            QueryResult::Ok(())
        });
        inserted.expect("the rows should be inserted");
    }),
    ("append", |conn, numbers| {
        drop(ledger::append(conn, &data::events(numbers)).expect("the events should be appended"))
    }),
    ("record", |conn, numbers| {
        drop(ledger::record(conn, &data::events(numbers)).expect("the events should be recorded"))
    }),
];

/// Diesel binds each value as a parameter, and a statement has at most 65,535 parameters.
fn fits(name: &str, batch: usize) -> bool {
    name != "Diesel, many rows" || batch * 9 <= 65_535
}

pub fn table(bench: &Bench, connections: usize) -> Table {
    let mut rows = Vec::new();
    // A turn has several small batches, so that its duration does not depend on the contender that ran before.
    for (batch, batches_per_turn, all) in [
        (1, 50, 1_000),
        (10, 10, 5_000),
        (100, 2, 20_000),
        (1_000, 1, 40_000),
        (10_000, 1, 80_000),
    ] {
        let size = Size {
            connections,
            batch,
            batches_per_turn,
        };
        let steps = (all / bench.divisor / size.events_per_step()).max(1);
        let contenders = CONTENDERS.iter().filter(|(name, _)| fits(name, batch));
        let contenders: Vec<Contender<'_>> = contenders
            .map(|(name, insert)| Contender::new(*name, move || size.begin(bench, steps, *insert)))
            .collect();
        rows.extend(Table::rows_of(
            &format!("{batch} per batch"),
            &rates(bench.rounds, steps, &contenders),
        ));
    }
    let title = match connections {
        1 => "Events per second into an empty ledger, one connection.".to_owned(),
        _ => format!("Events per second into an empty ledger, {connections} connections."),
    };
    Table {
        title,
        unit: "per second",
        of: "COPY",
        rows,
    }
}

#[derive(Clone, Copy)]
struct Size {
    connections: usize,
    batch: usize,
    /// The number of batches on each connection in one turn.
    batches_per_turn: usize,
}

impl Size {
    fn events_per_step(self) -> usize {
        self.connections * self.batch * self.batches_per_turn
    }

    /// Prepares a new database and warm connections, and returns the step.
    fn begin(self, bench: &Bench, steps: usize, insert: Insert) -> impl FnMut(usize) -> Run {
        let database = bench.database();
        let mut conns: Vec<PgConnection> = (0..self.connections).map(|_| connect(&database)).collect();
        let end = steps * self.events_per_step();
        for (worker, conn) in conns.iter_mut().enumerate() {
            insert(conn, end + worker * self.batch..end + (worker + 1) * self.batch);
        }
        move |step| {
            let _kept = &database;
            Run::of(self.events_per_step(), || {
                thread::scope(|scope| {
                    for (worker, conn) in conns.iter_mut().enumerate() {
                        let begin = (step * self.connections + worker) * self.batch * self.batches_per_turn;
                        scope.spawn(move || {
                            for batch in 0..self.batches_per_turn {
                                let first = begin + batch * self.batch;
                                insert(conn, first..first + self.batch);
                            }
                        });
                    }
                });
            })
        }
    }
}
