//! Making a tenant's projections again, and auditing them.

use mailglass::{ledger, projection};

use crate::measure::{Contender, Run, rates};
use crate::report::Table;
use crate::{Bench, connect, data};

pub fn table(bench: &Bench) -> Table {
    let all = 100_000 / bench.divisor;
    let database = bench.database();
    let mut conn = connect(&database);
    for first in (0..all).step_by(10_000) {
        ledger::append(&mut conn, &data::events(first..(first + 10_000).min(all))).expect("events");
    }
    let events = all + data::DELIVERIES;
    // The first one corrects all of them, the others find nothing to correct.
    projection::rebuild_all(&mut conn, data::TENANT).expect("a rebuild");
    let contenders = [
        Contender::new("rebuild_all", || {
            let mut conn = connect(&database);
            move |_| {
                Run::of(events, || {
                    assert_eq!(projection::rebuild_all(&mut conn, data::TENANT).expect("a rebuild"), 0)
                })
            }
        }),
        Contender::new("verify", || {
            let mut conn = connect(&database);
            move |_| {
                Run::of(events, || {
                    assert_eq!(projection::verify(&mut conn, data::TENANT).expect("an audit"), [])
                })
            }
        }),
    ];
    Table {
        title: format!(
            "Events a second read and folded, {} deliveries with {events} events.",
            data::DELIVERIES
        ),
        unit: "per second",
        of: "rebuild_all",
        rows: Table::rows_of("all right", &rates(bench.rounds, 2, &contenders)),
    }
}
