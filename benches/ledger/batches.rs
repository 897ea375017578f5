//! `append` and `record` by batch size, compared with COPY and with Diesel's inserts of many rows and of single rows.

use std::ops::Range;
use std::thread;

use diesel::prelude::*;
use mailglass::NewEvent;
use mailglass::ledger::{self, Appended};
use mailglass::schema::mailglass_events;

use crate::bench::{Bench, connect};
use crate::data::{self, Row, Shape};
use crate::measure::{Contender, Run, cpu_milliseconds, rates};
use crate::table::Table;

/// Inserts a batch, and returns what is dropped after the measured time: the input and the outcomes.
type Insert<I, O> = fn(&mut PgConnection, I) -> O;

fn copy(conn: &mut PgConnection, rows: Vec<Row>) -> Vec<Row> {
    data::copy(conn, &rows);
    rows
}

fn many_rows(conn: &mut PgConnection, rows: Vec<Row>) -> Vec<Row> {
    let inserted = diesel::insert_into(mailglass_events::table)
        .values(&rows)
        .on_conflict(mailglass_events::idempotency_key)
        .filter_target(mailglass_events::idempotency_key.is_not_null())
        .do_nothing()
        .execute(conn);
    inserted.expect("the rows should be inserted");
    rows
}

fn row_by_row(conn: &mut PgConnection, rows: Vec<Row>) -> Vec<Row> {
    let inserted = conn.transaction(|conn| {
        for row in &rows {
            diesel::insert_into(mailglass_events::table)
                .values(row)
                .on_conflict(mailglass_events::idempotency_key)
                .filter_target(mailglass_events::idempotency_key.is_not_null())
                .do_nothing()
                .execute(conn)?;
        }
        QueryResult::Ok(())
    });
    inserted.expect("the rows should be inserted");
    rows
}

fn append(conn: &mut PgConnection, events: Vec<NewEvent>) -> Vec<Appended> {
    ledger::append(conn, events).expect("the events should be appended")
}

fn record(conn: &mut PgConnection, events: Vec<NewEvent>) -> Vec<Appended> {
    ledger::record(conn, events).expect("the events should be recorded")
}

/// Diesel binds each value as a parameter, and a statement has at most 65,535 parameters.
fn fits_many_rows(batch: usize) -> bool {
    batch * 9 <= 65_535
}

/// The batch size at which all shapes are measured.
const ALL_SHAPES: usize = 1_000;

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
        let size = |shape| Size {
            shape,
            connections,
            batch,
            batches_per_turn,
        };
        rows.extend(case(bench, size(Shape::Webhook), all, format!("{batch} per batch")));
        if batch == ALL_SHAPES && connections == 1 {
            for (shape, name) in [
                (Shape::WebhookByMessage, "found by its message"),
                (Shape::Ordered, "ordered"),
            ] {
                rows.extend(case(bench, size(shape), all, format!("{batch} per batch, {name}")));
            }
        }
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

/// The CPU time of this process, at 1,000 per batch.
pub fn client(bench: &Bench) -> Table {
    let size = Size {
        shape: Shape::Webhook,
        connections: 1,
        batch: 1_000,
        batches_per_turn: 1,
    };
    let steps = 40 / bench.divisor;
    let contenders = [
        size.contender(bench, steps, "COPY", Shape::rows, copy),
        size.contender(bench, steps, "append", Shape::events, append),
        size.contender(bench, steps, "record", Shape::events, record),
    ];
    Table {
        title: "Milliseconds of the client's own CPU time per 1,000 events, 1,000 per batch.".to_owned(),
        unit: "CPU ms",
        of: "COPY",
        rows: Table::rows_of("1000 per batch", &cpu_milliseconds(bench.rounds, steps, &contenders)),
    }
}

/// COPY, Diesel and mailglass, for [`peers`](crate::peers).
pub fn beside_peers(bench: &Bench, steps: usize, batch: usize) -> Vec<Contender<'_>> {
    let size = Size {
        shape: Shape::Webhook,
        connections: 1,
        batch,
        batches_per_turn: 1,
    };
    vec![
        size.contender(bench, steps, "COPY", Shape::rows, copy),
        size.contender(bench, steps, "append", Shape::events, append),
        size.contender(bench, steps, "record", Shape::events, record),
        size.contender(bench, steps, "Diesel, many rows", Shape::rows, many_rows),
    ]
}

fn case(bench: &Bench, size: Size, all: usize, name: String) -> Vec<crate::table::Row> {
    let steps = (all / bench.divisor / size.events_per_step()).max(1);
    let mut contenders = vec![size.contender(bench, steps, "COPY", Shape::rows, copy)];
    if fits_many_rows(size.batch) {
        contenders.push(size.contender(bench, steps, "Diesel, many rows", Shape::rows, many_rows));
    }
    // The slowest, so it is measured in the headline's shape only.
    if let Shape::Webhook = size.shape {
        contenders.push(size.contender(bench, steps, "Diesel, row by row", Shape::rows, row_by_row));
    }
    contenders.extend([
        size.contender(bench, steps, "append", Shape::events, append),
        size.contender(bench, steps, "record", Shape::events, record),
    ]);
    Table::rows_of(&name, &rates(bench.rounds, steps, &contenders))
}

#[derive(Clone, Copy)]
struct Size {
    shape: Shape,
    connections: usize,
    batch: usize,
    /// The number of batches on each connection in one turn.
    batches_per_turn: usize,
}

impl Size {
    fn events_per_step(self) -> usize {
        self.connections * self.batch * self.batches_per_turn
    }

    /// A contender that prepares a new database and warm connections. `input` makes the input of a batch, outside of the
    /// measured time.
    fn contender<'a, I: Send + 'a, O: Send + 'a>(
        self,
        bench: &'a Bench,
        steps: usize,
        name: &str,
        input: fn(Shape, Range<usize>) -> I,
        insert: Insert<I, O>,
    ) -> Contender<'a> {
        let batch = move |index: usize| input(self.shape, index * self.batch..(index + 1) * self.batch);
        Contender::new(name, move || {
            let database = bench.database();
            let mut conns: Vec<PgConnection> = (0..self.connections).map(|_| connect(&database)).collect();
            let end = steps * self.connections * self.batches_per_turn;
            for (worker, conn) in conns.iter_mut().enumerate() {
                drop(insert(conn, batch(end + worker)));
            }
            move |step| {
                let _kept = &database;
                let batches = |worker| {
                    let begin = (step * self.connections + worker) * self.batches_per_turn;
                    (begin..begin + self.batches_per_turn).map(batch).collect()
                };
                let batches: Vec<Vec<I>> = (0..self.connections).map(batches).collect();
                Run::of(self.events_per_step(), || {
                    thread::scope(|scope| {
                        let mut workers = Vec::new();
                        for (conn, batches) in conns.iter_mut().zip(batches) {
                            let insert_all =
                                move || -> Vec<O> { batches.into_iter().map(|batch| insert(conn, batch)).collect() };
                            workers.push(scope.spawn(insert_all));
                        }
                        let outputs = workers.into_iter().map(|worker| worker.join());
                        outputs
                            .collect::<Result<Vec<_>, _>>()
                            .expect("the batches should be inserted")
                    })
                })
            }
        })
    }
}
