//! `rebuild_all` and `verify` of all projections of a tenant.

use mailglass::{ledger, projection};

use crate::bench::{Bench, connect};
use crate::data::{self, Shape};
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

pub fn table(bench: &Bench) -> Table {
    let all = 100_000 / bench.divisor;
    let database = bench.database();
    let mut conn = connect(&database);
    for first in (0..all).step_by(10_000) {
        ledger::append(&mut conn, Shape::Webhook.events(first..(first + 10_000).min(all)))
            .expect("the events should be appended");
    }
    let events = all + data::DELIVERIES;
    // Correct all projections, so that the measured calls correct none.
    projection::rebuild_all(&mut conn, data::TENANT).expect("the rebuild should succeed");
    let contenders = [
        Contender::new("rebuild_all", || {
            let mut conn = connect(&database);
            move |_| {
                Run::of(events, || {
                    let corrected = projection::rebuild_all(&mut conn, data::TENANT);
                    assert_eq!(corrected.expect("the rebuild should succeed"), 0)
                })
            }
        }),
        Contender::new("verify", || {
            let mut conn = connect(&database);
            move |_| {
                Run::of(events, || {
                    let divergences = projection::verify(&mut conn, data::TENANT);
                    assert_eq!(divergences.expect("the projections should be read"), [])
                })
            }
        }),
    ];
    Table {
        title: format!(
            "Events read and folded per second, {} deliveries with {events} events.",
            data::DELIVERIES
        ),
        unit: "per second",
        of: "rebuild_all",
        rows: Table::rows_of("nothing to correct", &rates(bench.rounds, 2, &contenders)),
    }
}
