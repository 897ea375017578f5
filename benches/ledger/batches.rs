//! `append` and `record` in batches, against COPY, Diesel's own insert, and a row at a time.

use std::thread;

use diesel::prelude::*;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::measure::{Contender, Run, rates};
use crate::report::Table;
use crate::{Bench, connect, data};

/// Lands the events of these numbers, as one transaction.
type Land = fn(&mut PgConnection, std::ops::Range<usize>);

const CONTENDERS: [(&str, Land); 5] = [
    ("COPY", |conn, numbers| data::copy(conn, numbers)),
    ("Diesel, many rows", |conn, numbers| {
        let rows: Vec<data::Row> = numbers.map(data::row).collect();
        let inserted = diesel::insert_into(mailglass_events::table)
            .values(rows)
            .on_conflict(mailglass_events::idempotency_key)
            .filter_target(mailglass_events::idempotency_key.is_not_null())
            .do_nothing()
            .execute(conn);
        inserted.expect("rows");
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
        inserted.expect("rows");
    }),
    ("append", |conn, numbers| {
        drop(ledger::append(conn, &data::events(numbers)).expect("events"))
    }),
    ("record", |conn, numbers| {
        drop(ledger::record(conn, &data::events(numbers)).expect("events"))
    }),
];

/// Diesel binds each value by itself, and a statement holds 65,535 of them.
fn fits(name: &str, batch: usize) -> bool {
    name != "Diesel, many rows" || batch * 9 <= 65_535
}

pub fn table(bench: &Bench, connections: usize) -> Table {
    let mut rows = Vec::new();
    // Batches a turn: enough of the small ones that a turn is not about who ran before.
    for (batch, a_turn, all) in [
        (1, 50, 1_000),
        (10, 10, 5_000),
        (100, 2, 20_000),
        (1_000, 1, 40_000),
        (10_000, 1, 80_000),
    ] {
        let size = Size {
            connections,
            batch,
            a_turn,
        };
        let steps = (all / bench.divisor / size.a_step()).max(1);
        let contenders = CONTENDERS.iter().filter(|(name, _)| fits(name, batch));
        let contenders: Vec<Contender<'_>> = contenders
            .map(|(name, land)| Contender::new(*name, move || size.begin(bench, steps, *land)))
            .collect();
        rows.extend(Table::rows_of(
            &format!("{batch} a batch"),
            &rates(bench.rounds, steps, &contenders),
        ));
    }
    let title = match connections {
        1 => "Events a second into an empty ledger, one connection.".to_owned(),
        _ => format!("The same with {connections} connections."),
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
    /// So many batches on each connection are one turn.
    a_turn: usize,
}

impl Size {
    fn a_step(self) -> usize {
        self.connections * self.batch * self.a_turn
    }

    /// In a database of its own, on warm connections.
    fn begin(self, bench: &Bench, steps: usize, land: Land) -> impl FnMut(usize) -> Run {
        let database = bench.database();
        let mut conns: Vec<PgConnection> = (0..self.connections).map(|_| connect(&database)).collect();
        let end = steps * self.a_step();
        for (worker, conn) in conns.iter_mut().enumerate() {
            land(conn, end + worker * self.batch..end + (worker + 1) * self.batch);
        }
        move |step| {
            let _kept = &database;
            Run::of(self.a_step(), || {
                thread::scope(|scope| {
                    for (worker, conn) in conns.iter_mut().enumerate() {
                        let begin = (step * self.connections + worker) * self.batch * self.a_turn;
                        scope.spawn(move || {
                            for batch in 0..self.a_turn {
                                let first = begin + batch * self.batch;
                                land(conn, first..first + self.batch);
                            }
                        });
                    }
                });
            })
        }
    }
}
