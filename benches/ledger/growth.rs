//! What a ledger's size changes: the same calls beside a hundred thousand, a million and ten million events.

use std::cell::Cell;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::{Delivery, NewDelivery, Stream, ledger};
use scratch_postgres::Database;
use uuid::Uuid;

use crate::measure::{Contender, Run, rates};
use crate::report::Table;
use crate::{Bench, connect, data};

/// Events of each delivery that is there before.
const EVENTS: usize = 10;

/// A database with so many events, made by the server itself. Ids and keys are in the order of time, as they are in life.
struct Grown {
    name: String,
    database: Database,
    deliveries: usize,
    /// Of all numbers the first that no event here has.
    next: Cell<usize>,
}

impl Grown {
    fn new(bench: &Bench, events: usize) -> Grown {
        eprintln!("  {events} events …");
        let database = bench.database();
        let deliveries = events / EVENTS;
        let build = include_str!("growth.sql")
            .replace(":deliveries", &deliveries.to_string())
            .replace(":existing", &data::DELIVERIES.to_string())
            .replace(":events_each", &EVENTS.to_string());
        let mut conn = connect(&database);
        conn.batch_execute(&build).expect("a grown ledger");
        // As autovacuum does sooner or later.
        for table in ["mailglass_deliveries", "mailglass_events"] {
            conn.batch_execute(&format!("VACUUM ANALYZE {table}"))
                .expect("a vacuum");
        }
        Grown {
            name: format!("{events} events"),
            database,
            deliveries,
            next: Cell::new(0),
        }
    }

    /// So many numbers that were not given out before.
    fn numbers(&self, count: usize) -> std::ops::Range<usize> {
        let first = self.next.replace(self.next.get() + count);
        first..first + count
    }

    /// A delivery far from the one before, among so many of the latest.
    fn delivery(&self, number: usize, latest: usize) -> Uuid {
        data::delivery_id(self.deliveries - 1 - number * 7_919 % latest.min(self.deliveries))
    }

    fn contender(&self, case: &Case) -> Contender<'_> {
        let (call, latest) = (case.call, case.latest);
        Contender::new(self.name.as_str(), move || {
            let mut conn = connect(&self.database);
            move |_| call(self, &mut conn, latest)
        })
    }

    fn record(&self, conn: &mut PgConnection, latest: usize) -> Run {
        let event = |number| data::event(number).delivery(self.delivery(number, latest));
        let events: Vec<_> = self.numbers(1_000).map(event).collect();
        Run::of(1_000, || drop(ledger::record(conn, &events).expect("events")))
    }

    /// A thousand events wait, and then their deliveries are there.
    fn sweep(&self, conn: &mut PgConnection, _latest: usize) -> Run {
        let numbers = self.numbers(1_000);
        let orphan = |number| data::orphan(number).provider_message("late", format!("late {number}"));
        let orphans: Vec<_> = numbers.clone().map(orphan).collect();
        ledger::record(conn, &orphans).expect("orphans");
        let late = |number| {
            NewDelivery::new(
                data::TENANT,
                "newsletter",
                Stream::Bulk,
                format!("late{number}@example.com"),
            )
            .provider("late")
            .provider_message_id(format!("late {number}"))
        };
        let deliveries: Vec<_> = numbers.map(late).collect();
        NewDelivery::insert_all(conn, &deliveries).expect("their deliveries");
        let now = SweepOptions {
            grace: Duration::ZERO,
            ..SweepOptions::default()
        };
        Run::of(1_000, || assert_eq!(sweep(conn, &now).expect("a sweep").linked, 1_000))
    }

    fn find(&self, conn: &mut PgConnection, latest: usize) -> Run {
        let numbers = self.numbers(200);
        Run::of(200, || {
            for number in numbers {
                Delivery::find(conn, data::TENANT, self.delivery(number, latest)).expect("a delivery");
            }
        })
    }

    fn timeline(&self, conn: &mut PgConnection, latest: usize) -> Run {
        let find = |number| Delivery::find(conn, data::TENANT, self.delivery(number, latest)).expect("a delivery");
        let deliveries: Vec<Delivery> = self.numbers(200).map(find).collect();
        Run::of(200, || {
            for delivery in &deliveries {
                assert!(delivery.timeline(conn).expect("a timeline").len() >= EVENTS);
            }
        })
    }
}

type Call = fn(&Grown, &mut PgConnection, usize) -> Run;

struct Case {
    name: &'static str,
    /// Among how many of the latest deliveries it picks. What providers report is mostly about the last hours.
    latest: usize,
    /// Turns in a round.
    steps: usize,
    call: Call,
}

const fn case(name: &'static str, latest: usize, steps: usize, call: Call) -> Case {
    Case {
        name,
        latest,
        steps,
        call,
    }
}

/// What reads comes first, while each delivery has as many events as any other.
const CASES: [Case; 7] = [
    case("find, latest 5,000", 5_000, 5, Grown::find),
    case("find, of all", usize::MAX, 5, Grown::find),
    case("timeline, latest 5,000", 5_000, 5, Grown::timeline),
    case("timeline, of all", usize::MAX, 5, Grown::timeline),
    case("sweep of 1,000 orphans", 0, 3, Grown::sweep),
    case("record, latest 5,000", 5_000, 20, Grown::record),
    case("record, of all", usize::MAX, 20, Grown::record),
];

pub fn table(bench: &Bench) -> Table {
    let sizes: &[usize] = match (bench.divisor, bench.ten_million) {
        (1, true) => &[100_000, 1_000_000, 10_000_000],
        (1, false) => &[100_000, 1_000_000],
        _ => &[10_000, 100_000],
    };
    let grown: Vec<Grown> = sizes.iter().map(|size| Grown::new(bench, *size)).collect();
    let mut rows = Vec::new();
    for case in &CASES {
        let contenders: Vec<Contender<'_>> = grown.iter().map(|it| it.contender(case)).collect();
        rows.extend(Table::rows_of(case.name, &rates(bench.rounds, case.steps, &contenders)));
    }
    Table {
        title: format!(
            "A ledger that has grown: calls a second (or events, 1,000 a batch), {EVENTS} events a delivery."
        ),
        unit: "per second",
        of: "the smallest",
        rows,
    }
}
