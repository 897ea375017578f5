//! The HTTP server.

use std::io::{self, Read as _};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::Utc;
use serde_json::{Value, json};
use tiny_http::{Method, Request, Response, Server};

use crate::books::{Books, Fate, Message};
use crate::faults::{Fault, Faults};
use crate::lock;
use crate::random::Random;
use crate::webhooks::{Endpoint, Webhooks};

/// How many requests are answered at once.
const THREADS: usize = 8;

/// The largest body that is read.
const MAX_BODY: u64 = 1 << 20;

/// A running provider. Dropping it stops it.
pub struct Provider {
    url: String,
    server: Arc<Server>,
    office: Arc<Office>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads of the server share.
struct Office {
    seed: u64,
    faults: Faults,
    books: Arc<Mutex<Books>>,
    webhooks: Webhooks,
}

impl Provider {
    /// Starts the provider on a free port of this machine. The seed determines what goes wrong.
    ///
    /// # Errors
    /// If there is no free port or thread.
    pub fn start(seed: u64, faults: Faults, endpoint: Option<Endpoint>) -> io::Result<Provider> {
        let server = Arc::new(Server::http("127.0.0.1:0").map_err(io::Error::other)?);
        let books = Arc::new(Mutex::new(Books::default()));
        let office = Arc::new(Office {
            seed,
            faults,
            webhooks: Webhooks::new(endpoint, Arc::clone(&books)),
            books,
        });
        let mut provider = Provider {
            url: format!("http://{}", server.server_addr()),
            server: Arc::clone(&server),
            office: Arc::clone(&office),
            threads: Vec::new(),
        };
        for _ in 0..THREADS {
            let (server, office) = (Arc::clone(&server), Arc::clone(&office));
            let answering = thread::Builder::new().spawn(move || {
                while let Ok(request) = server.recv() {
                    office.answer(request);
                }
            })?;
            provider.threads.push(answering);
        }
        let random = Random::new(seed);
        provider
            .threads
            .push(thread::Builder::new().spawn(move || office.webhooks.run(random))?);
        Ok(provider)
    }

    /// The address of the provider's API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the provider knows so far.
    pub fn books(&self) -> Books {
        lock(&self.office.books).clone()
    }

    /// Waits until all webhooks are delivered, and returns whether that happened in time.
    pub fn finish_webhooks(&self, timeout: Duration) -> bool {
        self.office.webhooks.finish(timeout)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.office.webhooks.stop();
        // Each call ends the `recv` of one thread.
        for _ in 0..THREADS {
            self.server.unblock();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Office {
    fn answer(&self, mut request: Request) {
        if request.method() != &Method::Post || request.url() != "/messages" {
            return respond(request, 404, &json!({ "error": "not found" }));
        }
        let key = request
            .headers()
            .iter()
            .find(|header| header.field.equiv("Idempotency-Key"));
        let key = key.map(|header| header.value.as_str().to_owned());
        let mut body = Vec::new();
        let body: Value = match request.as_reader().take(MAX_BODY).read_to_end(&mut body) {
            Ok(_) => serde_json::from_slice(&body).unwrap_or_default(),
            Err(_) => return,
        };
        let (Some(to), Some(subject)) = (body["to"].as_str(), body["subject"].as_str()) else {
            return respond(request, 400, &json!({ "error": "a message needs `to` and `subject`" }));
        };

        let mut random = self.random(to);
        let fault = self.faults.of_request(&mut random);
        if fault == Fault::UnavailableBefore {
            lock(&self.books).unavailable_before += 1;
            return respond(request, 503, &json!({ "error": "try again later" }));
        }
        thread::sleep(Duration::from_millis(
            random.below(self.faults.latency.as_millis() as u64),
        ));
        if Fate::of(to) == Fate::Refused {
            lock(&self.books).refused += 1;
            return respond(request, 422, &json!({ "error": "the recipient is not allowed" }));
        }
        let (message, is_new) = self.accept(key, to, subject, &body["arguments"]);
        if is_new {
            self.webhooks.announce(&message, &self.faults, &mut random);
        }
        let accepted = json!({ "id": message.id });
        match fault {
            Fault::UnavailableAfter => {
                lock(&self.books).unavailable_after += 1;
                respond(request, 503, &json!({ "error": "try again later" }));
            }
            Fault::Dropped => {
                lock(&self.books).dropped += 1;
                // Nothing is written. The connection is closed, because the client asked for that after the answer.
                drop(request.into_writer());
            }
            Fault::Slow => {
                lock(&self.books).slow += 1;
                thread::sleep(self.faults.slow_for);
                respond(request, 200, &accepted);
            }
            Fault::None | Fault::UnavailableBefore => respond(request, 200, &accepted),
        }
    }

    /// The random numbers of a request, which depend on its recipient and on how many requests had the same one before.
    fn random(&self, to: &str) -> Random {
        let mut books = lock(&self.books);
        books.requests += 1;
        let requests = books.requests_by_recipient.entry(to.to_owned()).or_default();
        *requests += 1;
        Random::of(self.seed, &format!("{to} {requests}"))
    }

    /// The message, and whether it is new.
    fn accept(&self, key: Option<String>, to: &str, subject: &str, arguments: &Value) -> (Message, bool) {
        let mut books = lock(&self.books);
        if let Some(&position) = key.as_ref().and_then(|key| books.by_key.get(key)) {
            books.repeated_requests += 1;
            return (books.messages[position].clone(), false);
        }
        let position = books.messages.len();
        let message = Message {
            id: format!("fake-{:08x}-{position}", self.seed),
            idempotency_key: key.clone(),
            to: to.to_owned(),
            subject: subject.to_owned(),
            arguments: arguments.clone(),
            accepted_at: Utc::now(),
            fate: Fate::of(to),
        };
        if let Some(key) = key {
            books.by_key.insert(key, position);
        }
        books.messages.push(message.clone());
        (message, true)
    }
}

/// Answers with JSON. A client that has gone away gets no answer.
fn respond(request: Request, status: u16, body: &Value) {
    let _ = request.respond(Response::from_string(body.to_string()).with_status_code(status));
}
