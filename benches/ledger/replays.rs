//! A storm of replays: nine in ten events of a batch have landed before.

use mailglass::ledger;

use crate::measure::{Contender, Run, in_turn};
use crate::report::Table;
use crate::{Bench, connect, data};

pub fn table(bench: &Bench) -> Table {
    let (batch, all) = (1_000, 20_000 / bench.divisor);
    let run = |share_of_replays: usize| {
        let database = bench.database();
        let mut conn = connect(&database);
        // Of each batch's events the first are there already.
        let known = batch * share_of_replays / 100;
        for first in (0..=all).step_by(batch) {
            if known > 0 {
                ledger::record(&mut conn, &data::events(first..first + known)).expect("events");
            }
        }
        ledger::record(&mut conn, &data::events(all..all + batch)).expect("events");
        Run::of(all, || {
            for first in (0..all).step_by(batch) {
                let answers = ledger::record(&mut conn, &data::events(first..first + batch)).expect("events");
                assert_eq!(answers.iter().filter(|it| it.is_replay()).count(), known);
            }
        })
    };
    let rates = in_turn(
        bench.rounds,
        vec![
            Contender::new("fresh", || run(0)),
            Contender::new("90 % replays", || run(90)),
            Contender::new("all replays", || run(100)),
        ],
    );
    Table {
        title: "Events a second through record, 1,000 a batch, of which some had landed before.".to_owned(),
        of: "fresh",
        rows: Table::rows_of("1000 a batch", &rates),
    }
}
