//! The mailer: a thread that sends what is due.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::prelude::*;
use mailglass::outbox::{self, Claim, ClaimOptions, UnknownAttempts};
use mailglass::suppressions::Suppress;
use serde_json::json;

use crate::provider::{self, Answer, Provider};
use crate::{Failure, TENANT, mails};

const CLAIMS: u32 = 10;

/// Customers wait for a confirmation, so the pauses before a retry are a tenth of the usual ones: the first one is about a second.
const HASTE: u32 = 10;

/// How the mailer claims.
pub fn options() -> ClaimOptions {
    ClaimOptions {
        limit: CLAIMS,
        lease: provider::TIMEOUT * (CLAIMS + 2),
        // After a crash a mail may have been sent without our knowing. The provider honours idempotency keys, so ask again.
        unknown_attempts: UnknownAttempts::Resend,
        // The address may have bounced since the order was placed.
        suppress: Some(Suppress::ByStream),
        ..ClaimOptions::of_tenant(format!("shop, process {}", std::process::id()), TENANT)
    }
}

/// Sends what is due, up to the limit of the options, and returns how many deliveries it claimed.
///
/// # Errors
/// If the database fails. What was claimed is due again when the lease has expired.
pub fn send_due(conn: &mut PgConnection, provider: &Provider, options: &ClaimOptions) -> Result<usize, Failure> {
    let claims = outbox::claim(conn, options)?;
    for claim in &claims {
        match send(conn, provider, claim) {
            // This process was too slow: another one has the delivery now.
            Err(error) if error.is_lease_lost() => {}
            sent => sent?,
        }
    }
    Ok(claims.len())
}

fn send(conn: &mut PgConnection, provider: &Provider, claim: &Claim) -> mailglass::Result<()> {
    // No transaction is open while the provider works.
    let Some(mail) = mails::write(conn, claim.delivery())? else {
        claim.failed(conn, json!({ "error": "there is nothing to write about" }))?;
        return Ok(());
    };
    let attempt = claim.begin(conn)?;
    match provider.send(attempt.delivery(), &mail) {
        Answer::Accepted(message_id) => {
            attempt.sent(conn, provider::NAME, message_id)?;
        }
        Answer::Refused(error) => {
            attempt.failed(conn, error)?;
        }
        Answer::TryAgain(error) => {
            attempt.retry(conn, error, attempt.backoff() / HASTE)?;
        }
    }
    Ok(())
}

/// A running mailer. Dropping it stops it after the mails that it is sending.
pub struct Mailer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Mailer {
    /// Starts the thread. It has a connection of its own, because it waits on it most of the time.
    pub fn start(database: &str, provider: Provider) -> Mailer {
        let stop = Arc::new(AtomicBool::new(false));
        let (database, stopped) = (database.to_owned(), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Err(error) = run(&database, &provider, &stopped) {
                    eprintln!("the mailer connects again: {error}");
                    thread::sleep(Duration::from_secs(1));
                }
            }
        });
        Mailer {
            stop,
            thread: Some(thread),
        }
    }
}

fn run(database: &str, provider: &Provider, stop: &AtomicBool) -> Result<(), Failure> {
    let mut conn = PgConnection::establish(database)?;
    let options = options();
    while !stop.load(Ordering::Relaxed) {
        if send_due(&mut conn, provider, &options)? == 0 {
            outbox::wait(&mut conn, &options.tenants, Duration::from_secs(1))?;
        }
    }
    Ok(())
}

impl Drop for Mailer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
