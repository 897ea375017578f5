//! The supervisor: starts everything, kills workers, and waits for the end.

use std::env;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::prelude::*;
use fake_provider::{Faults, Provider, Random};
use mailglass::reconciler::{SweepOptions, sweep};
use mailglass::tenancy::Tenants;
use mailglass::{migrations, outbox};
use scratch_postgres::Server;

use crate::report::Run;
use crate::tally::Tally;
use crate::webhooks::{Endpoint, SECRET};
use crate::{Failure, Options, check, deliveries, report};

/// A run that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(180);

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let server = Server::start()?;
    let database = server.database()?;
    let mut conn = PgConnection::establish(database.url())?;
    migrations::run(&mut conn)?;
    let endpoint = Endpoint::start(database.url())?;
    let its_address = fake_provider::Endpoint {
        url: endpoint.url(),
        secret: SECRET.to_owned(),
    };
    let provider = Provider::start(options.seed, Faults::many(), Some(its_address))?;
    report::introduce(options, &server, &provider);

    deliveries::insert(&mut conn, options.deliveries)?;
    let start = Instant::now();
    let mut workers = Workers::start(options.workers, database.url(), provider.url())?;
    let mut random = Random::new(options.seed);
    let mut seconds = 0;
    loop {
        thread::sleep(Duration::from_millis(100 + random.below(300)));
        let open = open(&mut conn)?;
        if open == 0 || start.elapsed().as_secs() > seconds {
            seconds = start.elapsed().as_secs();
            report::progress(start.elapsed(), options.deliveries, open, workers.kills);
        }
        if open == 0 {
            break;
        }
        if start.elapsed() > DEADLINE {
            return Err(format!("{open} deliveries are still open after {} s", DEADLINE.as_secs()).into());
        }
        workers.kill_one(&mut random)?;
    }
    let time = start.elapsed();
    let (tally, kills) = workers.stop()?;

    if !provider.finish_webhooks(DEADLINE) {
        return Err("the provider could not deliver all webhooks".into());
    }
    let now = SweepOptions {
        grace: Duration::ZERO,
        ..SweepOptions::all_tenants()
    };
    let swept = sweep(&mut conn, &now)?.linked;
    let run = Run {
        deliveries: options.deliveries,
        time,
        tally,
        kills,
        books: provider.books(),
        received: endpoint.received(),
        swept,
        resolved: deliveries::resolved(&mut conn)?,
    };
    report::summarize(&mut conn, &run)?;
    let promises = check::all(&mut conn, &run)?;
    report::promises(&promises)
}

/// The deliveries that wait to be sent.
fn open(conn: &mut PgConnection) -> Result<usize, Failure> {
    let queues = outbox::status(conn, &Tenants::All)?;
    let open: i64 = queues
        .iter()
        .map(|queue| queue.due + queue.scheduled + queue.leased + queue.held)
        .sum();
    Ok(open.try_into()?)
}

/// The worker processes.
struct Workers {
    database: String,
    provider: String,
    running: Vec<Worker>,
    tally: Tally,
    kills: usize,
}

struct Worker {
    process: Child,
    output: JoinHandle<Tally>,
}

impl Workers {
    fn start(count: usize, database: &str, provider: &str) -> Result<Self, Failure> {
        let mut workers = Workers {
            database: database.to_owned(),
            provider: provider.to_owned(),
            running: Vec::new(),
            tally: Tally::default(),
            kills: 0,
        };
        for number in 0..count {
            let worker = workers.spawn(number)?;
            workers.running.push(worker);
        }
        Ok(workers)
    }

    fn spawn(&self, number: usize) -> Result<Worker, Failure> {
        let mut process = Command::new(env::current_exe()?)
            .args([
                "worker",
                &format!("worker {}", number + 1),
                &self.database,
                &self.provider,
            ])
            // The worker ends when this pipe is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("a worker has no output")?;
        Ok(Worker {
            process,
            output: thread::spawn(move || Tally::of(output)),
        })
    }

    /// Kills a worker with SIGKILL, and starts another one. One that has ended by itself is an error.
    fn kill_one(&mut self, random: &mut Random) -> Result<(), Failure> {
        for (number, worker) in self.running.iter_mut().enumerate() {
            if let Some(status) = worker.process.try_wait()? {
                return Err(format!("worker {} ended by itself: {status}", number + 1).into());
            }
        }
        let number = random.below(self.running.len() as u64) as usize;
        let successor = self.spawn(number)?;
        let mut killed = std::mem::replace(&mut self.running[number], successor);
        killed.process.kill()?;
        self.kills += 1;
        self.end(killed)
    }

    /// Closes the pipes of the workers, and waits for them.
    fn stop(mut self) -> Result<(Tally, usize), Failure> {
        for mut worker in std::mem::take(&mut self.running) {
            drop(worker.process.stdin.take());
            self.end(worker)?;
        }
        Ok((self.tally, self.kills))
    }

    fn end(&mut self, mut worker: Worker) -> Result<(), Failure> {
        worker.process.wait()?;
        let tally = worker
            .output
            .join()
            .map_err(|_| "the output of a worker could not be read")?;
        self.tally.add(tally);
        Ok(())
    }
}
