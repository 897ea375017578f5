//! A proxy between libpq and the server's socket that counts round trips, closes the connection at a chosen message, or
//! holds each round trip until a test releases it.
//!
//! Messages are those of the chapter "Frontend/Backend Protocol" of the PostgreSQL manual: after the start-up packet, each
//! message is a type byte, four length bytes (which count themselves), and a body.

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

/// A throwaway server for when the tests run on `DATABASE_URL`, whose socket is unknown.
static OWN: LazyLock<Server> = LazyLock::new(|| Server::start().unwrap());

/// Creates a migrated database, and returns it with the directory of its server's socket.
pub fn with_socket() -> (PathBuf, Database) {
    if let Some(directory) = server().directory() {
        return (directory.to_owned(), database());
    }
    let database = OWN.database().unwrap();
    mailglass::migrations::run(&mut connect(&database)).unwrap();
    (OWN.directory().unwrap().to_owned(), database)
}

/// The client message at which the proxy closes the connection, counted from 0 since the proxy was armed.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    Never,
    /// The server does not receive the message.
    Before(usize),
    /// The server receives and executes the message, but the client does not receive the answer.
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
    /// Accepts one connection and forwards it to the server whose socket is in the directory `server`.
    pub fn start(server: &Path, cut: Cut) -> Proxy {
        Proxy::between(server, move |client, server, state| forward(client, server, state, cut))
    }

    /// Like [`start`](Self::start), but each round trip waits until `hold` returns. `hold` is called with the messages of
    /// the round trip.
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
            // The server executes the messages that it has received, and closes the connection.
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

    /// Starts to count messages.
    pub fn arm(&self) {
        self.state.is_armed.store(true, Ordering::SeqCst);
    }

    /// The number of messages that the client has sent since the proxy was armed.
    pub fn messages(&self) -> usize {
        self.state.messages.load(Ordering::SeqCst)
    }

    /// The number of round trips since the proxy was armed.
    pub fn round_trips(&self) -> usize {
        self.state.round_trips.load(Ordering::SeqCst)
    }

    /// The text of each Query message (simple protocol) that the client has sent since the proxy was armed.
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

/// Reads one message of the client; `None` if the client has closed the connection.
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
            // The body follows the type byte and the length, and ends with a zero byte.
            let text = String::from_utf8(message[5..message.len() - 1].to_vec()).unwrap();
            state.queries.lock().unwrap().push(text);
        }
        // The client waits for the answer to a Sync and to a Query.
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

/// Forwards the client's messages one round trip at a time. The server executes a Bind and an Execute as soon as it
/// receives them, so they are kept until the Sync that follows them is released.
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

/// Forwards the server's answers. After the cut, it reads and discards them.
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
