//! `record` of batches in which no, most, or all events are replays.

use mailglass::ledger;

use crate::bench::{Bench, connect};
use crate::data::Shape;
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

const BATCH: usize = 1_000;

pub fn table(bench: &Bench) -> Table {
    let steps = 20 / bench.divisor;
    let begin = |percent_of_replays: usize| {
        move || {
            let database = bench.database();
            let mut conn = connect(&database);
            // The first events of each batch are recorded already.
            let known = BATCH * percent_of_replays / 100;
            for first in (0..=steps).map(|step| step * BATCH) {
                if known > 0 {
                    let events = Shape::Webhook.events(first..first + known);
                    ledger::record(&mut conn, &events).expect("the events should be recorded");
                }
            }
            // Warm up the connection with a batch that no step uses.
            let events = Shape::Webhook.events(steps * BATCH..(steps + 1) * BATCH);
            ledger::record(&mut conn, &events).expect("the events should be recorded");
            move |step| {
                let _kept = &database;
                let events = Shape::Webhook.events(step * BATCH..(step + 1) * BATCH);
                Run::of(BATCH, || {
                    let appended = ledger::record(&mut conn, &events).expect("the events should be recorded");
                    let replays = appended.iter().filter(|appended| appended.is_replay());
                    assert_eq!(replays.count(), known);
                    appended
                })
            }
        }
    };
    let contenders = [
        Contender::new("fresh", begin(0)),
        Contender::new("90 % replays", begin(90)),
        Contender::new("all replays", begin(100)),
    ];
    Table {
        title: "Events per second by record, 1,000 per batch, by the share of replays.".to_owned(),
        unit: "per second",
        of: "fresh",
        rows: Table::rows_of("1000 per batch", &rates(bench.rounds, steps, &contenders)),
    }
}
