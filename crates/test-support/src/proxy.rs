//! A proxy between libpq and the server's socket that counts round trips, cuts the connection at a chosen message, or
//! holds each round trip until a test releases it.
//!
//! PostgreSQL manual, chapter "Frontend/Backend Protocol": after the start-up packet, what the client sends is a byte of
//! type, four bytes of length (which count themselves), and the rest.

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

/// A server whose socket is known: one of our own, where the tests run on `DATABASE_URL`.
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

/// When to cut: at which of the client's messages, counted from 0 once the proxy is armed.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Never,
    /// The server never sees the message.
    Before(usize),
    /// The server sees it, and does what it asks for; the client never hears of it.
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
    /// Stands in for the server whose socket is in `server`, for one connection.
    pub fn start(server: &Path, cut: Cut) -> Proxy {
        Proxy::between(server, move |client, server, state| forward(client, server, state, cut))
    }

    /// The same, but each round trip waits until `hold` returns. `hold` gets the messages of the round trip.
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
            // The server does what it has been sent, and hangs up.
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

    /// From now on the messages count.
    pub fn arm(&self) {
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    /// How many messages the client has sent since.
    pub fn messages(&self) -> usize {
        self.state.messages.load(Ordering::SeqCst)
    }

    /// How often the client has waited for an answer since.
    pub fn round_trips(&self) -> usize {
        self.state.round_trips.load(Ordering::SeqCst)
    }

    /// The text of each Query message (the simple protocol) that the client has sent since.
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

/// Reads one message of the client's; `None` if it has hung up.
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

/// Passes the client's messages on, up to the cut.
fn forward(mut client: UnixStream, mut server: &UnixStream, state: &State, cut: Cut) -> io::Result<()> {
    let mut is_startup = true;
    while let Some(message) = read_message(&mut client, is_startup)? {
        let is_counted = state.is_armed.load(Ordering::SeqCst) && !is_startup;
        let number = is_counted.then(|| state.messages.fetch_add(1, Ordering::SeqCst));
        if number.is_some() && message[0] == b'Q' {
            // What follows the type and the length, without the zero at the end.
            let text = String::from_utf8(message[5..message.len() - 1].to_vec()).unwrap();
            state.queries.lock().unwrap().push(text);
        }
        // Sync and Query: what the server answers to the end.
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

/// Passes the client's messages on, a whole round trip at a time: the server executes a Bind and an Execute as they come,
/// so they are kept until the Sync behind them has been released.
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

/// Passes the server's answers on; after the cut, reads them to the end and keeps them.
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
