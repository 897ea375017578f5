//! One event per call, compared with an INSERT of its row.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::bench::{Bench, connect};
use crate::data;
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

/// The number of calls in a turn.
const TURN: usize = 100;

pub fn table(bench: &Bench) -> Table {
    let steps = 20 / bench.divisor;
    let begin = |insert: fn(&mut PgConnection, usize)| {
        move || {
            let database = bench.database();
            let mut conn = connect(&database);
            // Otherwise the time of the disk would hide the differences.
            conn.batch_execute("SET synchronous_commit = off")
                .expect("the setting should be accepted");
            conn.batch_execute(data::PREPARE_INSERT_AND_UPDATE)
                .expect("the statement should be prepared");
            // Warm up the connection.
            (0..20).for_each(|number| insert(&mut conn, steps * TURN + number));
            move |step| {
                let _kept = &database;
                Run::of(TURN, || {
                    (step * TURN..(step + 1) * TURN).for_each(|number| insert(&mut conn, number))
                })
            }
        }
    };
    let contenders = [
        Contender::new(
            "INSERT",
            begin(|conn, number| {
                let row = diesel::insert_into(mailglass_events::table).values(data::row(number));
                assert_eq!(row.execute(conn), Ok(1));
            }),
        ),
        Contender::new(
            "append",
            begin(|conn, number| {
                drop(ledger::append(conn, &[data::event(number)]).expect("the event should be appended"))
            }),
        ),
        Contender::new(
            "record",
            begin(|conn, number| {
                drop(ledger::record(conn, &[data::event(number)]).expect("the event should be recorded"))
            }),
        ),
        // The upper bound for a single statement that inserts and updates.
        Contender::new("INSERT with UPDATE", begin(data::insert_and_update)),
    ];
    Table {
        title: "Single events per second on one connection, synchronous_commit = off.".to_owned(),
        unit: "per second",
        of: "INSERT",
        rows: Table::rows_of("1 per call", &rates(bench.rounds, steps, &contenders)),
    }
}
