//! Runs sessions one step at a time, in a chosen order, as PostgreSQL's isolationtester does with SQL.
//!
//! A step begins where a session is stopped, and ends when every session is idle again. A session is stopped
//!
//! - before a round trip, by the gate in its proxy;
//! - in the middle of a statement, by an advisory lock that the test's triggers and indexes request
//!   (`interleavings/pauses.sql`). The observing connection holds these locks, so `pg_blocking_pids` names it.
//!
//! A session that waits for the lock of another session is skipped until the server grants the lock.

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

/// The first key of the advisory locks at which statements pause. The second key is the number of the session.
const PAUSE: i32 = 23;

/// How long sessions may take until all are idle.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The state of a session, as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// No schedule is running: the gate forwards all round trips.
    Unscheduled,
    /// Between two gates: the client or the server is working, or the server waits for a lock.
    Working,
    /// Before a round trip.
    Held,
    /// The script has ended.
    Done,
}

/// The states of all sessions.
#[derive(Debug)]
struct Clients {
    clients: Mutex<Vec<Client>>,
    changed: Condvar,
}

impl Clients {
    fn set(&self, session: usize, client: Client) {
        self.clients.lock().unwrap()[session] = client;
        self.changed.notify_all();
    }

    fn set_all(&self, client: Client) {
        self.clients.lock().unwrap().fill(client);
        self.changed.notify_all();
    }
}

/// Holds the round trips of one session.
struct Gate {
    shared: Arc<Clients>,
    session: usize,
}

impl Gate {
    /// Returns when the round trip may be forwarded to the server.
    fn pass(&self, messages: &[Vec<u8>]) {
        if !is_a_step(messages) {
            return;
        }
        let mut clients = self.shared.clients.lock().unwrap();
        if clients[self.session] == Client::Unscheduled {
            return;
        }
        clients[self.session] = Client::Held;
        self.shared.changed.notify_all();
        while clients[self.session] == Client::Held {
            clients = self.shared.changed.wait(clients).unwrap();
        }
    }
}

/// Whether another session can observe the round trip. A BEGIN, a SAVEPOINT and the preparation of a statement have no
/// effect on others, so they belong to the step that follows. This reduces the number of schedules without missing any.
fn is_a_step(messages: &[Vec<u8>]) -> bool {
    messages.iter().any(|message| match message[0] {
        b'Q' => !["BEGIN", "SAVEPOINT", "RELEASE", "SET"]
            .iter()
            .any(|unobservable| message[5..].starts_with(unobservable.as_bytes())),
        kind => kind == b'B',
    })
}

/// Where a session is idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Before a round trip.
    Held,
    /// In the middle of a statement.
    Paused,
    /// Waiting for the lock of another session.
    Waiting,
    /// At the end of its script.
    Done,
}

impl Position {
    fn is_free(self) -> bool {
        matches!(self, Position::Held | Position::Paused)
    }
}

/// Sessions on one database, and a connection that observes them.
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
    /// Opens this many sessions on a database, through proxies in front of the server's socket.
    pub fn new(socket: &Path, database: &Database, sessions: usize) -> Sessions {
        let shared = Arc::new(Clients {
            clients: Mutex::new(vec![Client::Unscheduled; sessions]),
            changed: Condvar::new(),
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

    /// The connection of a session, for use while no schedule is running.
    pub fn connection(&mut self, number: usize) -> &mut PgConnection {
        &mut self.connections[number]
    }

    /// Runs one script in each session, concurrently. `choose` selects the session that takes the next step, and `look` is
    /// called before the first step and after each step.
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
                    let done = DoneOnDrop(shared, number);
                    scope.spawn(move || {
                        let _done = done;
                        script(connection)
                    })
                })
                .collect();
            // If this thread panics, the sessions must continue, or the scope would wait forever.
            let unscheduled = UnscheduledOnDrop(shared);
            loop {
                let positions = wait_until_idle(shared, watch, *watch_pid, pids);
                look();
                let free: Vec<usize> = (0..count).filter(|&number| positions[number].is_free()).collect();
                if free.is_empty() {
                    break;
                }
                let chosen = choose(&free);
                match positions[chosen] {
                    Position::Paused => resume(watch, chosen),
                    _ => shared.set(chosen, Client::Working),
                }
            }
            drop(unscheduled);
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

/// Lets a paused session continue to its next pause. The server grants locks in the order of the requests, so the second
/// statement returns after the session has acquired and released the lock.
fn resume(watch: &mut PgConnection, session: usize) {
    on_pause("pg_advisory_unlock", watch, session);
    on_pause("pg_advisory_lock", watch, session);
}

/// Waits until every session is idle, and returns their positions. If all sessions wait for each other, PostgreSQL detects
/// the deadlock and aborts one of the statements.
fn wait_until_idle(shared: &Clients, watch: &mut PgConnection, watch_pid: i32, pids: &[i32]) -> Vec<Position> {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let clients = {
            let clients = shared.clients.lock().unwrap();
            let is_working = |clients: &mut Vec<Client>| clients.contains(&Client::Working);
            let (clients, _) = (shared.changed)
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
            Client::Unscheduled | Client::Done => Some(Position::Done),
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
            "the sessions were not idle after {TIMEOUT:?}: {clients:?}, backends {working:?}"
        );
    }
}

/// Marks a session as done when its script returns or panics.
struct DoneOnDrop<'a>(&'a Clients, usize);

impl Drop for DoneOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(self.1, Client::Done);
    }
}

/// Lets all sessions continue without a schedule.
struct UnscheduledOnDrop<'a>(&'a Clients);

impl Drop for UnscheduledOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set_all(Client::Unscheduled);
    }
}
