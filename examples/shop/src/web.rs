//! The HTTP server.

use std::io::Read as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tiny_http::{Header, Method, Request, Response, Server};

use crate::database::{PgPool, Pooled};
use crate::webhooks::{self, Rejection};
use crate::{Failure, admin};

const THREADS: usize = 4;

/// A provider's webhooks are smaller.
const MAX_BODY: u64 = 1 << 20;

/// A running server. Dropping it stops it.
pub struct Web {
    server: Arc<Server>,
    threads: Vec<JoinHandle<()>>,
}

/// What a request is answered with.
struct Page {
    status: u16,
    body: String,
}

impl Web {
    /// Starts the server at this address. Webhooks must have the secret.
    ///
    /// # Errors
    /// If the address is taken.
    pub fn start(address: &str, pool: &PgPool, secret: &str) -> Result<Web, Failure> {
        let server = Arc::new(Server::http(address)?);
        let mut web = Web {
            server: Arc::clone(&server),
            threads: Vec::new(),
        };
        for _ in 0..THREADS {
            let (server, pool, secret) = (Arc::clone(&server), pool.clone(), secret.to_owned());
            web.threads.push(thread::spawn(move || {
                while let Ok(mut request) = server.recv() {
                    let page = answer(&mut request, &pool, &secret);
                    respond(request, page);
                }
            }));
        }
        Ok(web)
    }

    /// The address of the server.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.server_addr())
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        // Each call ends the `recv` of one thread.
        for _ in 0..THREADS {
            self.server.unblock();
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn answer(request: &mut Request, pool: &PgPool, secret: &str) -> Page {
    let mut conn = match pool.get() {
        Ok(conn) => conn,
        Err(error) => return unavailable(&error),
    };
    let path = request.url().split('?').next().unwrap_or_default().to_owned();
    match (request.method(), path.as_str()) {
        (Method::Get, "/admin") => admin::orders(&mut conn).map_or_else(|error| unavailable(&error), ok),
        (Method::Get, path) => match path.strip_prefix("/admin/deliveries/").and_then(|id| id.parse().ok()) {
            Some(id) => match admin::delivery(&mut conn, id) {
                Ok(Some(page)) => ok(page),
                Ok(None) => plain(404, "There is no such delivery."),
                Err(error) => unavailable(&error),
            },
            None => plain(404, "There is no such page."),
        },
        (Method::Post, "/webhooks/fake") => webhook(request, &mut conn, secret),
        _ => plain(404, "There is no such page."),
    }
}

fn webhook(request: &mut Request, conn: &mut Pooled, secret: &str) -> Page {
    let given = request
        .headers()
        .iter()
        .find(|header| header.field.equiv("Webhook-Secret"));
    let given = given.map(|header| header.value.as_str().to_owned());
    let mut body = Vec::new();
    if request.as_reader().take(MAX_BODY).read_to_end(&mut body).is_err() {
        return plain(400, "The body can't be read.");
    }
    match webhooks::receive(conn, secret, given.as_deref(), &body) {
        Ok(_) => plain(200, ""),
        Err(Rejection::WrongSecret) => plain(401, ""),
        Err(Rejection::Malformed(why)) => {
            eprintln!("a webhook is malformed: {why}");
            plain(400, "")
        }
        Err(Rejection::NotRecorded(error)) => unavailable(&error),
    }
}

fn ok(body: String) -> Page {
    Page { status: 200, body }
}

fn plain(status: u16, text: &str) -> Page {
    Page {
        status,
        body: text.to_owned(),
    }
}

/// The visitor need not know why.
fn unavailable(error: &dyn std::error::Error) -> Page {
    eprintln!("a request failed: {error}");
    plain(503, "Try again later.")
}

/// Answers the request. Nobody is told if the visitor has gone away.
fn respond(request: Request, page: Page) {
    let mut response = Response::from_string(page.body).with_status_code(page.status);
    for (name, value) in [
        ("Content-Type", "text/html; charset=utf-8"),
        // Nothing but the page's own style is loaded or run.
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'",
        ),
    ] {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    let _ = request.respond(response);
}
