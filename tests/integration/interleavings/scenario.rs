//! Some scripts at once, in every schedule, held against what they do one after the other.

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
use crate::support::scheduler::{Schedules, Sessions};

/// A database whose statements pause, with sessions, and a connection that is never held.
pub struct Runner {
    // In this order: connections close before their database goes.
    sessions: Sessions,
    conn: PgConnection,
    _database: Database,
    isolation: &'static str,
    pub schedules: usize,
}

/// What the scripts answered, unit by unit, and what the tables hold in the end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ending {
    answers: Vec<Vec<String>>,
    state: Vec<String>,
    settled: Vec<String>,
}

impl Ending {
    /// A sweep leaves alone what another one holds. So where events are given up, they are once more.
    fn read(answers: Vec<Vec<String>>, scripts: &[Script], tenant: &Tenant, conn: &mut PgConnection) -> Ending {
        let state = tenant.state(conn);
        let gives_up = scripts.iter().any(|script| script.name == EXPIRE.name);
        let sweep = if gives_up { EXPIRE } else { SWEEP };
        sweep.answer(0, tenant, conn, &mut None).unwrap();
        let settled = tenant.settled_state(conn);
        Ending {
            answers,
            state,
            settled,
        }
    }

    /// Whether this is the other one, as far as the docs promise. An event whose delivery is not committed yet when it is
    /// recorded waits for a sweep: so the two are compared after one, unless nothing happened at the same time.
    fn is_like(&self, other: &Ending, at_once: bool) -> bool {
        let same_state = if at_once {
            self.settled == other.settled
        } else {
            self.state == other.state
        };
        self.answers == other.answers && same_state
    }
}

/// A unit: which script, which of its units.
type Position = (usize, usize);

/// What a unit answers that took no effect, as the docs allow, because of what others did.
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

    /// Runs every schedule of the scripts with at most so many preemptions, and returns what went wrong.
    pub fn run(&mut self, start: Start, scripts: &[Script], preemptions: usize) -> Vec<String> {
        let mut serial = Serial::default();
        let mut schedules = Schedules::new(preemptions);
        let mut failures: BTreeMap<String, (usize, String)> = BTreeMap::new();
        // Once in order, so that the connections have prepared their statements and know the types' OIDs.
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
                // One of each kind is enough to read.
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
                        .map(|unit| answer(script, unit, tenant, conn, &mut known))
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

    /// Whether some serial order ends like that. A unit that could not be serialized has written nothing: then it is an
    /// order of the others.
    fn is_serial(
        &mut self,
        serial: &mut Serial,
        start: Start,
        scripts: &[Script],
        ending: &Ending,
        at_once: bool,
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
            if known.endings.iter().any(|known| ending.is_like(known, at_once)) {
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
            let said = if left_out.contains(&(script, unit)) {
                NOT_SERIALIZED.to_owned()
            } else {
                let conn = self.sessions.connection(script);
                answer(&scripts[script], unit, &tenant, conn, &mut known[script])
            };
            answers[script].push(said);
        }
        Ending::read(answers, scripts, &tenant, &mut self.conn)
    }
}

/// The endings of the serial orders, as far as anybody asked for them.
#[derive(Default)]
struct Serial(BTreeMap<BTreeSet<Position>, Orders>);

struct Orders {
    untried: Vec<Vec<usize>>,
    endings: BTreeSet<Ending>,
}

impl Orders {
    /// Every order of the units that keeps each script's own.
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

fn answer(
    script: &Script,
    unit: usize,
    tenant: &Tenant,
    conn: &mut PgConnection,
    known: &mut Option<Delivery>,
) -> String {
    match script.answer(unit, tenant, conn, known) {
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
