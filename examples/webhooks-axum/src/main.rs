//! Postmark's webhooks with axum: `WEBHOOK_SECRET=user:password cargo run -p webhooks-axum`.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool};
use mailglass::ledger::Outcome;
use mailglass::{NewEvent, ledger};
use mailglass_webhooks::{Credential, Credentials, MAX_BODY_BYTES, Provider, Received, Request, Webhook};
use scratch_postgres::{Database, Server};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type PgPool = Pool<ConnectionManager<PgConnection>>;

const TENANT: &str = "acme";
const PATH: &str = "/webhooks/postmark";

struct Endpoint {
    webhook: Webhook,
    pool: PgPool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let webhook = webhook()?;
    let postgres = Postgres::from_env_or_start()?;
    let pool = postgres.pool()?;
    let router = Router::new()
        .route(PATH, post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(Endpoint { webhook, pool }));
    let address = env::var("ADDRESS").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("The endpoint: http://{}{PATH}", listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

/// `Bytes` is the raw body. `Json` would refuse some requests, and lose the bytes that are signed.
async fn receive(State(endpoint): State<Arc<Endpoint>>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let url = uri.to_string();
    let request = Request::new(&body)
        .headers(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())))
        .url(&url);
    let received = match endpoint.webhook.receive(&request) {
        Ok(received) => received,
        Err(error) => {
            eprintln!("a request is refused: {error}");
            return StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        }
    };
    // Diesel blocks, and must not hold up the other requests of this thread.
    let recorded = spawn_blocking(move || record(&endpoint.pool, received)).await;
    match recorded.map_err(Failure::from).flatten() {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            eprintln!("a request is not recorded: {error}");
            // The provider repeats it.
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Records the reported events, and logs what can't be recorded. It blocks.
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
