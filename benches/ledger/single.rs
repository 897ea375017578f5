//! One event per call, compared with an INSERT of its row.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::bench::{Bench, connect};
use crate::data::{self, Shape};
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

/// The number of calls in a turn.
const TURN: usize = 100;

pub fn table(bench: &Bench) -> Table {
    let contenders = [
        contender(bench, "INSERT", Shape::row, |conn, row| {
            let inserted = diesel::insert_into(mailglass_events::table).values(&row);
            assert_eq!(inserted.execute(conn), Ok(1));
            row
        }),
        contender(bench, "append", Shape::event, |conn, event| {
            ledger::append(conn, vec![event]).expect("the event should be appended")
        }),
        contender(bench, "record", Shape::event, |conn, event| {
            ledger::record(conn, vec![event]).expect("the event should be recorded")
        }),
        // The upper bound for a single statement that inserts and updates.
        contender(bench, "INSERT with UPDATE", Shape::row, |conn, row| {
            data::insert_and_update(conn, &row);
            row
        }),
    ];
    Table {
        title: "Single events per second on one connection, synchronous_commit = off.".to_owned(),
        unit: "per second",
        of: "INSERT",
        rows: Table::rows_of("1 per call", &rates(bench.rounds, steps(bench), &contenders)),
    }
}

fn steps(bench: &Bench) -> usize {
    20 / bench.divisor
}

/// Makes the input of a turn's calls with `input`, outside of the measured time, and calls `insert` with each. The output is
/// dropped outside of the measured time as well.
fn contender<'a, I: 'a, O: 'a>(
    bench: &'a Bench,
    name: &str,
    input: fn(Shape, usize) -> I,
    insert: fn(&mut PgConnection, I) -> O,
) -> Contender<'a> {
    Contender::new(name, move || {
        let database = bench.database();
        let mut conn = connect(&database);
        // Otherwise the time of the disk would hide the differences.
        conn.batch_execute("SET synchronous_commit = off")
            .expect("the setting should be accepted");
        conn.batch_execute(data::PREPARE_INSERT_AND_UPDATE)
            .expect("the statement should be prepared");
        // Warm up the connection.
        let end = steps(bench) * TURN;
        (end..end + 20).for_each(|number| drop(insert(&mut conn, input(Shape::Webhook, number))));
        move |step| {
            let _kept = &database;
            let numbers = step * TURN..(step + 1) * TURN;
            let inputs: Vec<I> = numbers.map(|number| input(Shape::Webhook, number)).collect();
            Run::of(TURN, || {
                inputs
                    .into_iter()
                    .map(|input| insert(&mut conn, input))
                    .collect::<Vec<O>>()
            })
        }
    })
}
