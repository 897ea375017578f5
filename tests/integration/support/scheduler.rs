//! Lets sessions advance one step at a time, in every order: what PostgreSQL's isolationtester does with SQL, done with
//! calls of the library.
//!
//! A step begins where a session is held, and ends where every session is at rest again. A session is held
//!
//! - before a round trip, by the gate in its proxy;
//! - in the middle of a statement, by an advisory lock that the test's own triggers and indexes ask for
//!   (`interleavings/pauses.sql`). The watching connection holds these locks, so `pg_blocking_pids` names it.
//!
//! A session that waits for another one's lock is passed over until the server says that it is free.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, Integer};
use scratch_postgres::Database;
use test_support::proxy::Proxy;
use test_support::{backend_pid, connect};

/// The first key of the advisory locks at which statements pause; the second is the session's number.
const PAUSE: i32 = 23;

/// How long sessions may take to come to rest. Only a test that hangs takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a session does, as far as its client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// Nobody schedules: all round trips pass.
    Open,
    /// Between two gates: the client computes, or the server does, or waits for a lock.
    Working,
    /// Before a round trip.
    Held,
    /// Its script has ended.
    Done,
}

/// What all sessions do.
#[derive(Debug)]
struct Clients {
    clients: Mutex<Vec<Client>>,
    moved: Condvar,
}

impl Clients {
    fn set(&self, session: usize, client: Client) {
        self.clients.lock().unwrap()[session] = client;
        self.moved.notify_all();
    }

    fn set_all(&self, client: Client) {
        self.clients.lock().unwrap().fill(client);
        self.moved.notify_all();
    }
}

/// Holds the round trips of one session.
struct Gate {
    shared: Arc<Clients>,
    session: usize,
}

impl Gate {
    /// Returns when the round trip may go on to the server.
    fn pass(&self, messages: &[Vec<u8>]) {
        if !is_a_step(messages) {
            return;
        }
        let mut clients = self.shared.clients.lock().unwrap();
        if clients[self.session] == Client::Open {
            return;
        }
        clients[self.session] = Client::Held;
        self.shared.moved.notify_all();
        while clients[self.session] == Client::Held {
            clients = self.shared.moved.wait(clients).unwrap();
        }
    }
}

/// Whether another session can tell when it happens. Nobody sees a BEGIN, a SAVEPOINT or the preparation of a statement, so
/// they go along with what follows: fewer schedules, and none is missed.
fn is_a_step(messages: &[Vec<u8>]) -> bool {
    messages.iter().any(|message| match message[0] {
        b'Q' => !["BEGIN", "SAVEPOINT", "RELEASE", "SET"]
            .iter()
            .any(|silent| message[5..].starts_with(silent.as_bytes())),
        kind => kind == b'B',
    })
}

/// Where a session is at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Before a round trip.
    Held,
    /// In the middle of a statement.
    Paused,
    /// Until another session lets go of a lock.
    Waiting,
    /// At the end of its script.
    Done,
}

impl Position {
    fn is_free(self) -> bool {
        matches!(self, Position::Held | Position::Paused)
    }
}

/// Sessions on one database, and the connection that watches them.
pub struct Sessions {
    connections: Vec<PgConnection>,
    pids: Vec<i32>,
    watch: PgConnection,
    watch_pid: i32,
    shared: Arc<Clients>,
    _proxies: Vec<Proxy>,
}

#[derive(QueryableByName)]
struct Blocked {
    #[diesel(sql_type = Integer)]
    pid: i32,
    #[diesel(sql_type = Array<Integer>)]
    by: Vec<i32>,
}

impl Sessions {
    /// So many sessions on a database whose server's socket is known.
    pub fn new(socket: &Path, database: &Database, sessions: usize) -> Sessions {
        let shared = Arc::new(Clients {
            clients: Mutex::new(vec![Client::Open; sessions]),
            moved: Condvar::new(),
        });
        let proxies: Vec<Proxy> = (0..sessions)
            .map(|session| {
                let shared = Arc::clone(&shared);
                let gate = Gate { shared, session };
                Proxy::held(socket, move |messages| gate.pass(messages))
            })
            .collect();
        let mut connections: Vec<PgConnection> = proxies.iter().map(|proxy| proxy.connect(database.name())).collect();
        for (number, connection) in connections.iter_mut().enumerate() {
            let settings = format!("SET interleavings.session = '{number}'; SET deadlock_timeout = '20ms'");
            connection.batch_execute(&settings).unwrap();
        }
        let pids = connections.iter_mut().map(backend_pid).collect();
        let mut watch = connect(database);
        let watch_pid = backend_pid(&mut watch);
        Sessions {
            connections,
            pids,
            watch,
            watch_pid,
            shared,
            _proxies: proxies,
        }
    }

    /// The session's connection, while nobody schedules.
    pub fn connection(&mut self, number: usize) -> &mut PgConnection {
        &mut self.connections[number]
    }

    /// Runs a script in each of the first sessions, all at once. `choose` is asked which of the sessions that are free takes
    /// the next step, and `look` looks at the database before the first step and after each.
    pub fn run<T: Send>(
        &mut self,
        scripts: Vec<impl FnOnce(&mut PgConnection) -> T + Send>,
        mut choose: impl FnMut(&[usize]) -> usize,
        mut look: impl FnMut(),
    ) -> Vec<T> {
        let count = scripts.len();
        for session in 0..count {
            on_pause("pg_advisory_lock", &mut self.watch, session);
        }
        self.shared.set_all(Client::Done);
        for session in 0..count {
            self.shared.set(session, Client::Working);
        }
        let Sessions {
            connections,
            pids,
            watch,
            watch_pid,
            shared,
            ..
        } = self;
        let outcomes = thread::scope(|scope| {
            let running: Vec<_> = connections
                .iter_mut()
                .zip(scripts)
                .enumerate()
                .map(|(number, (connection, script))| {
                    let end = End(shared, number);
                    scope.spawn(move || {
                        let _end = end;
                        script(connection)
                    })
                })
                .collect();
            // Before anything panics here, the sessions have to be let go, or the scope would wait for ever.
            let open = Open(shared);
            loop {
                let positions = settle(shared, watch, *watch_pid, pids);
                look();
                let free: Vec<usize> = (0..count).filter(|&number| positions[number].is_free()).collect();
                if free.is_empty() {
                    break;
                }
                let chosen = choose(&free);
                match positions[chosen] {
                    Position::Paused => let_pass(watch, chosen),
                    _ => shared.set(chosen, Client::Working),
                }
            }
            drop(open);
            running.into_iter().map(|script| script.join().unwrap()).collect()
        });
        for session in 0..count {
            on_pause("pg_advisory_unlock", &mut self.watch, session);
        }
        outcomes
    }
}

/// Locks or unlocks the pauses of a session.
fn on_pause(function: &str, watch: &mut PgConnection, session: usize) {
    sql_query(format!("SELECT {function}({PAUSE}, {session})"))
        .execute(watch)
        .unwrap();
}

/// Lets the session that is paused go on to its next pause. Locks are granted in the order in which they were asked for, so
/// the second statement returns when the session has come past.
fn let_pass(watch: &mut PgConnection, session: usize) {
    on_pause("pg_advisory_unlock", watch, session);
    on_pause("pg_advisory_lock", watch, session);
}

/// Waits until every session is at rest, and says where. If all of them wait for each other, PostgreSQL ends the deadlock.
fn settle(shared: &Clients, watch: &mut PgConnection, watch_pid: i32, pids: &[i32]) -> Vec<Position> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let clients = {
            let clients = shared.clients.lock().unwrap();
            let is_working = |clients: &mut Vec<Client>| clients.contains(&Client::Working);
            let (clients, _) = (shared.moved)
                .wait_timeout_while(clients, Duration::from_micros(300), is_working)
                .unwrap();
            clients.clone()
        };
        let working: Vec<i32> = (clients.iter().zip(pids))
            .filter(|(client, _)| **client == Client::Working)
            .map(|(_, pid)| *pid)
            .collect();
        let blocked: Vec<Blocked> = if working.is_empty() {
            Vec::new()
        } else {
            sql_query("SELECT pid, pg_blocking_pids(pid) AS by FROM unnest($1) AS pid")
                .bind::<Array<Integer>, _>(&working)
                .load(watch)
                .unwrap()
        };
        let position = |(client, pid): (&Client, &i32)| match client {
            Client::Held => Some(Position::Held),
            Client::Open | Client::Done => Some(Position::Done),
            Client::Working => {
                let by = &blocked.iter().find(|blocked| blocked.pid == *pid)?.by;
                if by.contains(&watch_pid) {
                    Some(Position::Paused)
                } else {
                    (!by.is_empty()).then_some(Position::Waiting)
                }
            }
        };
        let positions: Option<Vec<Position>> = clients.iter().zip(pids).map(position).collect();
        if let Some(positions) = positions
            && clients == *shared.clients.lock().unwrap()
            && (positions.iter().any(|position| position.is_free())
                || positions.iter().all(|position| *position == Position::Done))
        {
            return positions;
        }
        assert!(
            Instant::now() < deadline,
            "the sessions never came to rest: {clients:?}, {working:?}"
        );
    }
}

/// Says that a session's script has ended, also when it panics.
struct End<'a>(&'a Clients, usize);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.set(self.1, Client::Done);
    }
}

/// Lets all sessions go.
struct Open<'a>(&'a Clients);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.set_all(Client::Open);
    }
}

/// Every schedule, one after the other, depth first: each is a prefix that was run before, another choice, and then
/// whatever comes first.
pub struct Schedules {
    choices: Vec<Choice>,
    depth: usize,
    /// How often a schedule may take a session's turn away although it could go on. Most races need one or two such
    /// switches, and their number grows with each.
    preemptions: usize,
}

struct Choice {
    options: Vec<usize>,
    taken: usize,
    is_preemption: bool,
}

impl Schedules {
    pub fn new(preemptions: usize) -> Schedules {
        Schedules {
            choices: Vec::new(),
            depth: 0,
            preemptions,
        }
    }

    /// Which session takes the next step of this schedule.
    pub fn choose(&mut self, free: &[usize]) -> usize {
        let last = self.depth.checked_sub(1).map(|before| self.choices[before].session());
        let could_go_on = last.is_some_and(|last| free.contains(&last));
        if let Some(choice) = self.choices.get(self.depth)
            && free.contains(&choice.session())
        {
            self.depth += 1;
            return self.choices[self.depth - 1].session();
        }
        // Beyond the prefix, or the server did something else than the last time.
        self.choices.truncate(self.depth);
        let mut options = free.to_vec();
        if could_go_on {
            options.sort_by_key(|option| Some(*option) != last);
            let preempted = self.choices.iter().filter(|choice| choice.preempts()).count();
            if preempted >= self.preemptions {
                options.truncate(1);
            }
        }
        self.choices.push(Choice {
            options,
            taken: 0,
            is_preemption: could_go_on,
        });
        self.depth += 1;
        self.choices[self.depth - 1].session()
    }

    /// Goes on to the next schedule, if there is one.
    pub fn advance(&mut self) -> bool {
        self.choices.truncate(self.depth);
        self.depth = 0;
        while let Some(choice) = self.choices.last_mut() {
            choice.taken += 1;
            if choice.taken < choice.options.len() {
                return true;
            }
            self.choices.pop();
        }
        false
    }

    /// Whether two sessions were between their first and their last step at the same time.
    pub fn overlaps(&self) -> bool {
        let mut turns: Vec<char> = self.text().chars().collect();
        turns.dedup();
        let count = turns.len();
        turns.sort_unstable();
        turns.dedup();
        turns.len() < count
    }

    /// The sessions in the order of their steps, such as `ABBA`.
    pub fn text(&self) -> String {
        self.choices[..self.depth]
            .iter()
            .map(|choice| char::from(b'A' + choice.session() as u8))
            .collect()
    }
}

impl Choice {
    fn session(&self) -> usize {
        self.options[self.taken]
    }

    fn preempts(&self) -> bool {
        self.is_preemption && self.taken > 0
    }
}
