//! A peer: inserts batches of events in its own way.
//!
//! usage: `peers PEER DATABASE_URL`
//!
//! Each line of the standard input has the number of the first event of a batch and the number of events. The answer is a line
//! with the seconds that the insert took, without the time to make its input.

#[path = "../../ledger/webhook.rs"]
mod webhook;

mod event_store;
mod unnest;

use std::error::Error;
use std::ops::Range;
use std::time::{Duration, Instant};
use std::{env, io};

use sqlx::postgres::PgPoolOptions;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [peer, url] = arguments.as_slice() else {
        return Err("usage: peers PEER DATABASE_URL".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let pool = PgPoolOptions::new().max_connections(1).connect(url).await?;
        match peer.as_str() {
            "sqlx" => {
                let peer = unnest::Unnest { pool };
                answer(async |numbers| peer.insert(numbers).await).await
            }
            "postgres-es" => {
                let mut peer = event_store::EventStore::new(pool).await?;
                answer(async |numbers| peer.insert(numbers).await).await
            }
            unknown => Err(format!("there is no peer {unknown:?}").into()),
        }
    })
}

type Timed = Result<Duration, Box<dyn Error>>;

async fn answer(mut insert: impl AsyncFnMut(Range<usize>) -> Timed) -> Result<(), Box<dyn Error>> {
    for line in io::stdin().lines() {
        let line = line?;
        let (first, count) = line.split_once(' ').ok_or("a line should have two numbers")?;
        let (first, count): (usize, usize) = (first.parse()?, count.parse()?);
        println!("{}", insert(first..first + count).await?.as_secs_f64());
    }
    Ok(())
}

/// Awaits the work and returns the time that it took.
async fn timed<E: Error + 'static>(work: impl Future<Output = Result<(), E>>) -> Timed {
    let begun = Instant::now();
    work.await?;
    Ok(begun.elapsed())
}
