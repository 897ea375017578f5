//! Postmark's webhooks without an async runtime: `WEBHOOK_SECRET=user:password cargo run -p webhooks-sync`.

use std::io::Read as _;
use std::time::Duration;
use std::{env, thread};

use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use mailglass::ledger::Outcome;
use mailglass::{NewEvent, ledger};
use mailglass_webhooks::{Credential, Credentials, MAX_BODY_BYTES, Provider, Received, Request, Webhook};
use scratch_postgres::{Database, Server};
use tiny_http::{Method, Response};

type Failure = Box<dyn std::error::Error + Send + Sync>;
type PgPool = Pool<ConnectionManager<PgConnection>>;

const TENANT: &str = "acme";
const PATH: &str = "/webhooks/postmark";

/// Each has a connection of the pool.
const THREADS: usize = 4;

struct Endpoint {
    webhook: Webhook,
    pool: PgPool,
}

fn main() -> Result<(), Failure> {
    let webhook = webhook()?;
    let postgres = Postgres::from_env_or_start()?;
    let pool = postgres.pool()?;
    let endpoint = Endpoint { webhook, pool };
    let address = env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let server = tiny_http::Server::http(address)?;
    println!("The endpoint: http://{}{PATH}", server.server_addr());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for mut http in server.incoming_requests() {
                    let status = endpoint.answer(&mut http);
                    // Nobody is told if the provider has gone away.
                    let _ = http.respond(Response::empty(status));
                }
            });
        }
    });
    Ok(())
}

impl Endpoint {
    fn answer(&self, http: &mut tiny_http::Request) -> u16 {
        let path = http.url().split('?').next().unwrap_or_default();
        match (path == PATH, http.method()) {
            (true, Method::Post) => self.receive(http),
            (true, _) => 405,
            (false, _) => 404,
        }
    }

    fn receive(&self, http: &mut tiny_http::Request) -> u16 {
        let mut body = Vec::new();
        // One byte too many is enough to refuse the body.
        let limit = MAX_BODY_BYTES as u64 + 1;
        if let Err(error) = http.as_reader().take(limit).read_to_end(&mut body) {
            eprintln!("a body can't be read: {error}");
            return 400;
        }
        let headers = http.headers().iter();
        let request = Request::new(&body)
            .headers(headers.map(|header| (header.field.as_str().as_str(), header.value.as_str().as_bytes())))
            .url(http.url());
        let received = match self.webhook.receive(&request) {
            Ok(received) => received,
            Err(error) => {
                eprintln!("a request is refused: {error}");
                return error.status();
            }
        };
        match record(&self.pool, received) {
            Ok(()) => 200,
            Err(error) => {
                eprintln!("a request is not recorded: {error}");
                // The provider repeats it.
                503
            }
        }
    }
}

/// Records the reported events, and logs what can't be recorded.
fn record(pool: &PgPool, received: Vec<Received>) -> Result<(), Failure> {
    let mut events: Vec<NewEvent> = Vec::new();
    for received in received {
        match received {
            Received::Report(report) => events.push((*report).into()),
            // The provider would repeat it for ever, and it would never be readable.
            Received::Unreadable(unreadable) => {
                eprintln!("element {} can't be read: {}", unreadable.index, unreadable.message);
            }
            // A test of the URL.
            _ => {}
        }
    }
    // Each event has its own outcome, so that one that conflicts does not hold up the others.
    for outcome in ledger::record_each(&mut *pool.get()?, events)? {
        if let Outcome::Conflicting { fields, .. } = outcome {
            eprintln!("an event differs from the one with its key in {}", fields.join(", "));
        }
    }
    Ok(())
}

/// The webhook of the tenant, whose requests have the credentials `user:password` of WEBHOOK_SECRET.
fn webhook() -> Result<Webhook, Failure> {
    let secret = env::var("WEBHOOK_SECRET").map_err(|_| "WEBHOOK_SECRET must be `user:password`")?;
    let (user, password) = secret.split_once(':').ok_or("WEBHOOK_SECRET must be `user:password`")?;
    let credentials = Credentials::new(Provider::Postmark, [Credential::basic(user, password)?])?;
    Ok(Webhook::new(TENANT, credentials))
}

/// The database of DATABASE_URL, which `mailglass migrate` has migrated, or a throwaway one.
struct Postgres {
    url: String,
    _throwaway: Option<(Database, Server)>,
}

impl Postgres {
    fn from_env_or_start() -> Result<Postgres, Failure> {
        if let Ok(url) = env::var("DATABASE_URL")
            && !url.is_empty()
        {
            return Ok(Postgres { url, _throwaway: None });
        }
        let server = Server::start()?;
        let database = server.database()?;
        mailglass::migrations::run(&mut PgConnection::establish(database.url())?)?;
        Ok(Postgres {
            url: database.url().to_owned(),
            _throwaway: Some((database, server)),
        })
    }

    /// If no connection is free soon enough, the provider gets an answer nevertheless.
    fn pool(&self) -> Result<PgPool, Failure> {
        let pool = Pool::builder().max_size(4).connection_timeout(Duration::from_secs(5));
        Ok(pool.build(ConnectionManager::new(&self.url))?)
    }
}
