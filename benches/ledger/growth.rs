//! The rates of calls by the size of the ledger: 100,000, 1 million and 10 million events.

use std::cell::Cell;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::{Delivery, NewDelivery, Stream, ledger};
use scratch_postgres::Database;

use crate::bench::{Bench, connect};
use crate::data::{self, Shape};
use crate::measure::{Contender, Run, rates};
use crate::table::Table;

/// Events of each delivery before the benchmark.
const EVENTS: usize = 10;

/// A database with a large ledger, which the server generates. Ids are ordered by time and keys are not, as in production.
struct Grown {
    name: String,
    database: Database,
    deliveries: usize,
    /// The first number that no event of the database has.
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
        conn.batch_execute(&build).expect("the ledger should be generated");
        // Autovacuum would do this at an arbitrary time.
        for table in ["mailglass_deliveries", "mailglass_events"] {
            conn.batch_execute(&format!("VACUUM ANALYZE {table}"))
                .expect("the table should be vacuumed");
        }
        Grown {
            name: format!("{events} events"),
            database,
            deliveries,
            next: Cell::new(0),
        }
    }

    /// Reserves this many numbers for new events.
    fn numbers(&self, count: usize) -> std::ops::Range<usize> {
        let first = self.next.replace(self.next.get() + count);
        first..first + count
    }

    /// Chooses one of the `latest` newest deliveries, in no order.
    fn delivery(&self, number: usize, latest: usize) -> usize {
        self.deliveries - 1 - Shape::Webhook.delivery(number, latest.min(self.deliveries))
    }

    fn find_delivery(&self, conn: &mut PgConnection, number: usize, latest: usize) -> Delivery {
        let id = data::delivery_id(self.delivery(number, latest));
        Delivery::find(conn, data::TENANT, id).expect("the delivery should exist")
    }

    fn contender(&self, case: &Case) -> Contender<'_> {
        let (call, latest) = (case.call, case.latest);
        Contender::new(self.name.as_str(), move || {
            let mut conn = connect(&self.database);
            move |_| call(self, &mut conn, latest)
        })
    }

    fn record(&self, conn: &mut PgConnection, latest: usize) -> Run {
        let event = |number| Shape::Webhook.event_of(number, self.delivery(number, latest));
        let events: Vec<_> = self.numbers(1_000).map(event).collect();
        Run::of(1_000, || {
            drop(ledger::record(conn, &events).expect("the events should be recorded"))
        })
    }

    /// Sweeps 1,000 orphans whose deliveries exist.
    fn sweep(&self, conn: &mut PgConnection, _latest: usize) -> Run {
        let numbers = self.numbers(1_000);
        let orphan = |number| {
            Shape::Webhook
                .orphan(number)
                .provider_message("late", format!("late {number}"))
        };
        let orphans: Vec<_> = numbers.clone().map(orphan).collect();
        ledger::record(conn, &orphans).expect("the orphans should be recorded");
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
        NewDelivery::insert_all(conn, &deliveries).expect("their deliveries should be inserted");
        let now = SweepOptions {
            grace: Duration::ZERO,
            ..SweepOptions::all_tenants()
        };
        Run::of(1_000, || {
            assert_eq!(sweep(conn, &now).expect("the sweep should succeed").linked, 1_000)
        })
    }

    fn find(&self, conn: &mut PgConnection, latest: usize) -> Run {
        let numbers = self.numbers(200);
        Run::of(200, || {
            for number in numbers {
                self.find_delivery(conn, number, latest);
            }
        })
    }

    fn timeline(&self, conn: &mut PgConnection, latest: usize) -> Run {
        let find = |number| self.find_delivery(conn, number, latest);
        let deliveries: Vec<Delivery> = self.numbers(200).map(find).collect();
        Run::of(200, || {
            for delivery in &deliveries {
                let timeline = delivery.timeline(conn).expect("the timeline should be read");
                assert!(timeline.len() >= EVENTS);
            }
        })
    }
}

type Call = fn(&Grown, &mut PgConnection, usize) -> Run;

struct Case {
    name: &'static str,
    /// The number of newest deliveries from which it chooses. Providers report mostly on deliveries of the last hours.
    latest: usize,
    /// The number of turns in a round.
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

/// Calls that read come first, while all deliveries have the same number of events.
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
        let contenders: Vec<Contender<'_>> = grown.iter().map(|grown| grown.contender(case)).collect();
        rows.extend(Table::rows_of(case.name, &rates(bench.rounds, case.steps, &contenders)));
    }
    Table {
        title: format!(
            "Calls per second by the size of the ledger (record: events per second, 1,000 per batch), {EVENTS} events per delivery."
        ),
        unit: "per second",
        of: "the smallest",
        rows,
    }
}
