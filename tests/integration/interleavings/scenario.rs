//! Runs scripts concurrently in every schedule, and compares the results with those of serial orders.

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use mailglass::{Delivery, projection};
use scratch_postgres::Database;

use super::calls::{EXPIRE, SWEEP, Script};
use super::start::Start;
use super::tenant::Tenant;
use crate::support::connect;
use crate::support::proxy::with_socket;
use crate::support::schedules::Schedules;
use crate::support::sessions::Sessions;

/// A database whose statements pause, its sessions, and a connection that is never stopped.
pub struct Runner {
    // The order matters: connections close before their database is dropped.
    sessions: Sessions,
    conn: PgConnection,
    _database: Database,
    isolation: &'static str,
    pub schedules: usize,
}

/// The results of the scripts, unit by unit, and the tables before and after a final sweep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending {
    answers: Vec<Vec<String>>,
    state: Vec<String>,
    swept: Vec<String>,
}

impl Ending {
    /// A sweep skips rows that another sweep has locked. If a script expires events, the final sweep expires them too.
    fn read(answers: Vec<Vec<String>>, scripts: &[Script], tenant: &Tenant, conn: &mut PgConnection) -> Ending {
        let state = tenant.state(conn);
        let expires = scripts.iter().any(|script| script.name == EXPIRE.name);
        let sweep = if expires { EXPIRE } else { SWEEP };
        sweep.run_unit(0, tenant, conn, &mut None).unwrap();
        let swept = tenant.swept_state(conn);
        Ending { answers, state, swept }
    }

    /// Whether the endings are equal, as far as the documentation promises. If an event is recorded before its delivery is
    /// committed, it is linked by a sweep. So endings of interleaved schedules are compared after a sweep.
    fn is_like(&self, other: &Ending, is_interleaved: bool) -> bool {
        let same_state = if is_interleaved {
            self.swept == other.swept
        } else {
            self.state == other.state
        };
        self.answers == other.answers && same_state
    }
}

/// A unit of a script: the number of the script, and the number of the unit.
type Position = (usize, usize);

/// The answer of a unit that had no effect because of a serialization failure, which the documentation allows.
const NOT_SERIALIZED: &str = "not serialized";

impl Runner {
    pub fn new(isolation: &'static str) -> Runner {
        let (socket, database) = with_socket();
        let mut conn = connect(&database);
        conn.batch_execute(include_str!("pauses.sql")).unwrap();
        let mut sessions = Sessions::new(&socket, &database, 3);
        for number in 0..3 {
            let sql = format!("SET default_transaction_isolation = '{isolation}'");
            sessions.connection(number).batch_execute(&sql).unwrap();
        }
        Runner {
            sessions,
            conn,
            _database: database,
            isolation,
            schedules: 0,
        }
    }

    /// Runs every schedule of the scripts with at most this many preemptions, and returns the failures.
    pub fn run(&mut self, start: Start, scripts: &[Script], preemptions: usize) -> Vec<String> {
        let mut serial = Serial::default();
        let mut schedules = Schedules::new(preemptions);
        let mut failures: BTreeMap<String, (usize, String)> = BTreeMap::new();
        // The first run is serial, so that the connections prepare their statements and cache the OIDs of the types.
        let order: Vec<usize> = (0..scripts.len())
            .flat_map(|script| vec![script; scripts[script].units.len()])
            .collect();
        self.one_after_the_other(start, scripts, &order, &BTreeSet::new());
        let title: Vec<String> = scripts.iter().map(Script::title).collect();
        let title = format!("{start:?}, {}: {}", self.isolation, title.join(" | "));
        loop {
            let (ending, complaint) = self.concurrently(start, scripts, &mut schedules);
            self.schedules += 1;
            let failure = complaint.or_else(|| {
                let is_serial = self.is_serial(&mut serial, start, scripts, &ending, schedules.overlaps());
                (!is_serial).then(|| format!("equals no serial order: {ending:#?}"))
            });
            if let Some(failure) = failure {
                // Report one failure of each kind.
                let kind = failure.chars().take(24).collect();
                let (count, _) = failures
                    .entry(kind)
                    .or_insert_with(|| (0, format!("{}: {failure}", schedules.text())));
                *count += 1;
            }
            if !schedules.advance() {
                break;
            }
        }
        failures
            .into_values()
            .map(|(count, first)| format!("{title}\n  in {count} schedules, first {first}"))
            .collect()
    }

    fn concurrently(
        &mut self,
        start: Start,
        scripts: &[Script],
        schedules: &mut Schedules,
    ) -> (Ending, Option<String>) {
        let tenant = Tenant::new();
        start.prepare(&tenant, &mut self.conn);
        let mut complaint = None;
        let running: Vec<_> = scripts
            .iter()
            .map(|script| {
                let tenant = &tenant;
                move |conn: &mut PgConnection| {
                    let mut known = None;
                    let units = 0..script.units.len();
                    units
                        .map(|unit| answer_of(script, unit, tenant, conn, &mut known))
                        .collect()
                }
            })
            .collect();
        let conn = &mut self.conn;
        let mut look = || {
            let divergences = projection::verify(conn, &tenant.name).unwrap();
            if let Some(divergence) = divergences.first() {
                let divergence = divergence.to_string().replace(&tenant.x.to_string(), "X");
                complaint.get_or_insert(format!("verify reports {divergence}"));
            }
        };
        let answers = self.sessions.run(running, |free| schedules.choose(free), &mut look);
        let ending = Ending::read(answers, scripts, &tenant, &mut self.conn);
        if let Some(divergence) = projection::verify(&mut self.conn, &tenant.name).unwrap().first() {
            complaint.get_or_insert(format!("verify reports, after a sweep, {divergence}"));
        }
        (ending, complaint)
    }

    /// Whether some serial order has this ending. A unit with a serialization failure has written nothing, so the serial
    /// order is one of the other units.
    fn is_serial(
        &mut self,
        serial: &mut Serial,
        start: Start,
        scripts: &[Script],
        ending: &Ending,
        is_interleaved: bool,
    ) -> bool {
        let mut left_out = BTreeSet::new();
        for (script, answers) in ending.answers.iter().enumerate() {
            for (unit, answer) in answers.iter().enumerate() {
                if answer == NOT_SERIALIZED {
                    left_out.insert((script, unit));
                }
            }
        }
        let known = serial.0.entry(left_out.clone()).or_insert_with(|| Orders::new(scripts));
        loop {
            if known.endings.iter().any(|known| ending.is_like(known, is_interleaved)) {
                return true;
            }
            let Some(order) = known.untried.pop() else { return false };
            let ending = self.one_after_the_other(start, scripts, &order, &left_out);
            known.endings.insert(ending);
        }
    }

    fn one_after_the_other(
        &mut self,
        start: Start,
        scripts: &[Script],
        order: &[usize],
        left_out: &BTreeSet<Position>,
    ) -> Ending {
        let tenant = Tenant::new();
        start.prepare(&tenant, &mut self.conn);
        let mut answers = vec![Vec::new(); scripts.len()];
        let mut known: Vec<Option<Delivery>> = vec![None; scripts.len()];
        for &script in order {
            let unit = answers[script].len();
            let answer = if left_out.contains(&(script, unit)) {
                NOT_SERIALIZED.to_owned()
            } else {
                let conn = self.sessions.connection(script);
                answer_of(&scripts[script], unit, &tenant, conn, &mut known[script])
            };
            answers[script].push(answer);
        }
        Ending::read(answers, scripts, &tenant, &mut self.conn)
    }
}

/// The endings of serial orders, by the units that are left out. They are computed on demand.
#[derive(Default)]
struct Serial(BTreeMap<BTreeSet<Position>, Orders>);

struct Orders {
    untried: Vec<Vec<usize>>,
    endings: BTreeSet<Ending>,
}

impl Orders {
    /// Every order of the units that keeps the order within each script.
    fn new(scripts: &[Script]) -> Orders {
        fn extend(order: &mut Vec<usize>, left: &mut [usize], orders: &mut Vec<Vec<usize>>) {
            if left.iter().all(|units| *units == 0) {
                orders.push(order.clone());
            }
            for script in 0..left.len() {
                if left[script] > 0 {
                    left[script] -= 1;
                    order.push(script);
                    extend(order, left, orders);
                    order.pop();
                    left[script] += 1;
                }
            }
        }
        let mut left: Vec<usize> = scripts.iter().map(|script| script.units.len()).collect();
        let mut untried = Vec::new();
        extend(&mut Vec::new(), &mut left, &mut untried);
        Orders {
            untried,
            endings: BTreeSet::new(),
        }
    }
}

fn answer_of(
    script: &Script,
    unit: usize,
    tenant: &Tenant,
    conn: &mut PgConnection,
    known: &mut Option<Delivery>,
) -> String {
    match script.run_unit(unit, tenant, conn, known) {
        Ok(answer) => answer,
        Err(error) if error.is_serialization_failure() && script.in_transaction => NOT_SERIALIZED.to_owned(),
        Err(error) => {
            let names = [
                (tenant.x.to_string(), "X"),
                (tenant.y.to_string(), "Y"),
                (tenant.name.clone(), "tenant"),
            ];
            let text = format!("error: {error}");
            names.iter().fold(text, |text, (long, short)| text.replace(long, short))
        }
    }
}
