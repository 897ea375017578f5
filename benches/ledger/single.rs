//! One webhook, one call: what it costs beside the bare INSERT of its row.

use diesel::prelude::*;
use diesel::sql_query;
use mailglass::ledger;
use mailglass::schema::mailglass_events;

use crate::measure::{Contender, Run, in_turn};
use crate::report::Table;
use crate::{Bench, connect, data};

pub fn table(bench: &Bench) -> Table {
    let all = 2_000 / bench.divisor;
    let run = |land: fn(&mut PgConnection, usize)| {
        let database = bench.database();
        let mut conn = connect(&database);
        // For all alike, or the disk would hide the difference.
        sql_query("SET synchronous_commit = off")
            .execute(&mut conn)
            .expect("a setting");
        (0..20).for_each(|number| land(&mut conn, all + number));
        Run::of(all, || (0..all).for_each(|number| land(&mut conn, number)))
    };
    let rates = in_turn(
        bench.rounds,
        vec![
            Contender::new("INSERT", || {
                run(|conn, number| {
                    let row = diesel::insert_into(mailglass_events::table).values(data::row(number));
                    assert_eq!(row.execute(conn), Ok(1));
                })
            }),
            Contender::new("append", || {
                run(|conn, number| drop(ledger::append(conn, &[data::event(number)]).expect("an event")))
            }),
            Contender::new("record", || {
                run(|conn, number| drop(ledger::record(conn, &[data::event(number)]).expect("an event")))
            }),
        ],
    );
    Table {
        title: "Single events a second on one connection, synchronous_commit = off.".to_owned(),
        of: "INSERT",
        rows: Table::rows_of("1 a call", &rates),
    }
}
