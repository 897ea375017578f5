//! `append` and `record` in batches, against COPY, Diesel's own insert, and a row at a time.

use std::thread;

use diesel::prelude::*;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::measure::{Contender, Run, in_turn};
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
    for (batch, all) in [
        (1, 1_000),
        (10, 5_000),
        (100, 20_000),
        (1_000, 40_000),
        (10_000, 80_000),
    ] {
        let all = (all / bench.divisor).max(batch * connections);
        let contenders = CONTENDERS.into_iter().filter(|(name, _)| fits(name, batch));
        let turns =
            contenders.map(|(name, land)| Contender::new(name, move || run(bench, connections, batch, all, land)));
        rows.extend(Table::rows_of(
            &format!("{batch} a batch"),
            &in_turn(bench.rounds, turns.collect()),
        ));
    }
    let title = match connections {
        1 => "Events a second into an empty ledger, one connection.".to_owned(),
        _ => format!("The same with {connections} connections."),
    };
    Table {
        title,
        of: "COPY",
        rows,
    }
}

/// In a database of its own, on warm connections.
fn run(bench: &Bench, connections: usize, batch: usize, all: usize, land: Land) -> Run {
    let database = bench.database();
    let mut conns: Vec<PgConnection> = (0..connections).map(|_| connect(&database)).collect();
    for (worker, conn) in conns.iter_mut().enumerate() {
        land(conn, all + worker * batch..all + (worker + 1) * batch);
    }
    let each = all / connections / batch * batch;
    Run::of(each * connections, || {
        thread::scope(|scope| {
            for (worker, conn) in conns.iter_mut().enumerate() {
                scope.spawn(move || {
                    for first in (worker * each..(worker + 1) * each).step_by(batch) {
                        land(conn, first..first + batch);
                    }
                });
            }
        });
    })
}
