//! A proxy between libpq and the server's socket that counts round trips, cuts the connection at a chosen message, or
//! holds each round trip until a test releases it.
//!
//! PostgreSQL manual, chapter "Frontend/Backend Protocol": after the start-up packet, a message of the client is a type byte,
//! four bytes of length (including themselves), and the body.

use std::fs;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use diesel::prelude::*;
use scratch_postgres::{Database, Server};

use crate::{connect, database, server};

const SOCKET: &str = ".s.PGSQL.5432";

/// A server with a known socket, for tests that run on `DATABASE_URL`.
static OWN: LazyLock<Server> = LazyLock::new(|| Server::start().unwrap());

/// A migrated database, and the directory of its server's socket.
pub fn with_socket() -> (PathBuf, Database) {
    if let Some(directory) = server().directory() {
        return (directory.to_owned(), database());
    }
    let database = OWN.database().unwrap();
    mailglass::migrations::run(&mut connect(&database)).unwrap();
    (OWN.directory().unwrap().to_owned(), database)
}

/// Where to cut the connection: at a message of the client, counted from 0 after `arm`.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Never,
    /// The server doesn't receive the message.
    Before(usize),
    /// The server receives and executes the message, but the client gets no answer.
    After(usize),
}

#[derive(Default)]
struct State {
    is_armed: AtomicBool,
    messages: AtomicUsize,
    round_trips: AtomicUsize,
    is_cut: AtomicBool,
    queries: Mutex<Vec<String>>,
}

pub struct Proxy {
    directory: PathBuf,
    state: Arc<State>,
}

impl Proxy {
    /// Starts a proxy for one connection to the server whose socket is in `server`.
    pub fn start(server: &Path, cut: Cut) -> Proxy {
        Proxy::between(server, move |client, server, state| forward(client, server, state, cut))
    }

    /// Starts a proxy in which each round trip waits until `hold` returns. `hold` gets the messages of the round trip.
    pub fn held(server: &Path, hold: impl Fn(&[Vec<u8>]) + Send + 'static) -> Proxy {
        Proxy::between(server, move |client, server, _| forward_held(client, server, &hold))
    }

    fn between(
        server: &Path,
        forward: impl FnOnce(UnixStream, &UnixStream, &State) -> io::Result<()> + Send + 'static,
    ) -> Proxy {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = PathBuf::from(format!("/tmp/mailglass-proxy-{}-{number}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let listener = UnixListener::bind(directory.join(SOCKET)).unwrap();
        let state = Arc::new(State::default());
        let (server, shared) = (server.join(SOCKET), Arc::clone(&state));
        thread::spawn(move || {
            let (client, _) = listener.accept()?;
            let server = UnixStream::connect(server)?;
            let answers = (server.try_clone()?, client.try_clone()?);
            let muted = Arc::clone(&shared);
            let answering = thread::spawn(move || answer(answers, &muted));
            let forwarded = forward(client.try_clone()?, &server, &shared);
            // The server finishes what it has received, then disconnects.
            server.shutdown(Shutdown::Write)?;
            let _ = answering.join();
            client.shutdown(Shutdown::Both)?;
            forwarded
        });
        Proxy { directory, state }
    }

    pub fn url(&self, database: &str) -> String {
        let directory = self.directory.display();
        format!("postgresql:///{database}?host={directory}&port=5432&user=postgres")
    }

    pub fn connect(&self, database: &str) -> PgConnection {
        PgConnection::establish(&self.url(database)).unwrap()
    }

    /// Starts counting messages.
    pub fn arm(&self) {
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    /// The number of messages of the client since `arm`.
    pub fn messages(&self) -> usize {
        self.state.messages.load(Ordering::SeqCst)
    }

    /// The number of round trips since `arm`.
    pub fn round_trips(&self) -> usize {
        self.state.round_trips.load(Ordering::SeqCst)
    }

    /// The texts of all Query messages (simple protocol) since `arm`.
    pub fn queries(&self) -> Vec<String> {
        self.state.queries.lock().unwrap().clone()
    }

    pub fn has_cut(&self) -> bool {
        self.state.is_cut.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Reads a message of the client. `None` if it has disconnected.
fn read_message(client: &mut UnixStream, is_startup: bool) -> io::Result<Option<Vec<u8>>> {
    let mut message = vec![0; if is_startup { 4 } else { 5 }];
    if client.read_exact(&mut message).is_err() {
        return Ok(None);
    }
    let length = u32::from_be_bytes(message[message.len() - 4..].try_into().unwrap());
    let mut rest = vec![0; length as usize - 4];
    client.read_exact(&mut rest)?;
    message.extend(rest);
    Ok(Some(message))
}

/// Forwards the client's messages up to the cut.
fn forward(mut client: UnixStream, mut server: &UnixStream, state: &State, cut: Cut) -> io::Result<()> {
    let mut is_startup = true;
    while let Some(message) = read_message(&mut client, is_startup)? {
        let is_counted = state.is_armed.load(Ordering::SeqCst) && !is_startup;
        let number = is_counted.then(|| state.messages.fetch_add(1, Ordering::SeqCst));
        if number.is_some() && message[0] == b'Q' {
            // The body, without the zero byte at the end.
            let text = String::from_utf8(message[5..message.len() - 1].to_vec()).unwrap();
            state.queries.lock().unwrap().push(text);
        }
        // The client waits for the answers to Sync and Query.
        if number.is_some() && matches!(message[0], b'S' | b'Q') {
            state.round_trips.fetch_add(1, Ordering::SeqCst);
        }
        is_startup = false;
        match cut {
            Cut::Before(at) if number == Some(at) => {
                state.is_cut.store(true, Ordering::SeqCst);
                return Ok(());
            }
            Cut::After(at) if number == Some(at) => {
                state.is_cut.store(true, Ordering::SeqCst);
                return server.write_all(&message);
            }
            _ => server.write_all(&message)?,
        }
    }
    Ok(())
}

/// Forwards the client's messages one round trip at a time. The server executes Bind and Execute at once, so they are kept
/// back until the Sync behind them is released.
fn forward_held(mut client: UnixStream, mut server: &UnixStream, hold: &dyn Fn(&[Vec<u8>])) -> io::Result<()> {
    let mut round_trip = Vec::new();
    let mut is_startup = true;
    while let Some(message) = read_message(&mut client, is_startup)? {
        let is_complete = is_startup || matches!(message[0], b'S' | b'Q' | b'X');
        is_startup = false;
        round_trip.push(message);
        if is_complete {
            hold(&round_trip);
            server.write_all(&round_trip.concat())?;
            round_trip.clear();
        }
    }
    Ok(())
}

/// Forwards the server's answers. After the cut, reads and drops them.
fn answer((mut server, mut client): (UnixStream, UnixStream), state: &State) {
    let mut buffer = [0; 8192];
    while let Ok(length) = server.read(&mut buffer)
        && length > 0
    {
        if !state.is_cut.load(Ordering::SeqCst) && client.write_all(&buffer[..length]).is_err() {
            return;
        }
    }
}
