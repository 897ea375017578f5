//! One webhook, one call: what it costs beside the bare INSERT of its row.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::measure::{Contender, Run, rates};
use crate::report::Table;
use crate::{Bench, connect, data};

/// Calls a turn.
const TURN: usize = 100;

pub fn table(bench: &Bench) -> Table {
    let steps = 20 / bench.divisor;
    let begin = |land: fn(&mut PgConnection, usize)| {
        move || {
            let database = bench.database();
            let mut conn = connect(&database);
            // For all alike, or the disk would hide the difference.
            conn.batch_execute("SET synchronous_commit = off").expect("a setting");
            conn.batch_execute(data::PREPARE_INSERT_AND_UPDATE)
                .expect("a statement");
            (0..20).for_each(|number| land(&mut conn, steps * TURN + number));
            move |step| {
                let _kept = &database;
                Run::of(TURN, || {
                    (step * TURN..(step + 1) * TURN).for_each(|number| land(&mut conn, number))
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
            begin(|conn, number| drop(ledger::append(conn, &[data::event(number)]).expect("an event"))),
        ),
        Contender::new(
            "record",
            begin(|conn, number| drop(ledger::record(conn, &[data::event(number)]).expect("an event"))),
        ),
        // What a single statement that does both can reach at most.
        Contender::new("INSERT with UPDATE", begin(data::insert_and_update)),
    ];
    Table {
        title: "Single events a second on one connection, synchronous_commit = off.".to_owned(),
        unit: "per second",
        of: "INSERT",
        rows: Table::rows_of("1 a call", &rates(bench.rounds, steps, &contenders)),
    }
}
