//! A storm of replays: nine in ten events of a batch have landed before.

use mailglass::ledger;

use crate::measure::{Contender, Run, rates};
use crate::report::Table;
use crate::{Bench, connect, data};

const BATCH: usize = 1_000;

pub fn table(bench: &Bench) -> Table {
    let steps = 20 / bench.divisor;
    let begin = |share_of_replays: usize| {
        move || {
            let database = bench.database();
            let mut conn = connect(&database);
            // Of each batch's events the first are there already.
            let known = BATCH * share_of_replays / 100;
            for first in (0..=steps).map(|step| step * BATCH) {
                if known > 0 {
                    ledger::record(&mut conn, &data::events(first..first + known)).expect("events");
                }
            }
            ledger::record(&mut conn, &data::events(steps * BATCH..(steps + 1) * BATCH)).expect("events");
            move |step| {
                let _kept = &database;
                let events = data::events(step * BATCH..(step + 1) * BATCH);
                Run::of(BATCH, || {
                    let answers = ledger::record(&mut conn, &events).expect("events");
                    assert_eq!(answers.iter().filter(|it| it.is_replay()).count(), known);
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
        title: "Events a second through record, 1,000 a batch, of which some had landed before.".to_owned(),
        unit: "per second",
        of: "fresh",
        rows: Table::rows_of("1000 a batch", &rates(bench.rounds, steps, &contenders)),
    }
}
