//! Measures contenders that take turns, and computes their ratios.

use std::time::{Duration, Instant};

use nix::time::ClockId;

use crate::spread::Spread;

/// The values of one contender, one for each round.
pub struct Measured {
    pub name: String,
    pub rounds: Vec<f64>,
}

/// A number of operations, the time that they took, and the CPU time that this process spent on them.
#[derive(Default)]
pub struct Run {
    count: usize,
    spent: Duration,
    cpu: Duration,
}

impl Run {
    /// Runs the work. Its output is dropped after the measured time.
    pub fn of<O>(count: usize, work: impl FnOnce() -> O) -> Run {
        let (begun, cpu_begun) = (Instant::now(), cpu_time());
        let output = work();
        let (spent, cpu) = (begun.elapsed(), cpu_time() - cpu_begun);
        drop(output);
        Run { count, spent, cpu }
    }

    /// Work that another process has measured.
    pub fn timed(count: usize, spent: Duration) -> Run {
        Run {
            count,
            spent,
            cpu: Duration::ZERO,
        }
    }
}

/// The CPU time of this process, with all its threads.
fn cpu_time() -> Duration {
    let time = ClockId::CLOCK_PROCESS_CPUTIME_ID.now();
    time.expect("the CPU time should be known").into()
}

/// Runs the part of a round with the given number. It may do untimed preparations.
pub type Step<'a> = Box<dyn FnMut(usize) -> Run + 'a>;

/// A name, and a function that prepares a round and returns its step.
pub struct Contender<'a> {
    name: String,
    begin: Box<dyn Fn() -> Step<'a> + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new<S: FnMut(usize) -> Run + 'a>(name: impl Into<String>, begin: impl Fn() -> S + 'a) -> Contender<'a> {
        Contender {
            name: name.into(),
            begin: Box::new(move || Box::new(begin())),
        }
    }
}

/// Measures operations per second. The contenders take turns at every step, so that other load on the machine affects all of
/// them. (With turns of whole rounds on a busy machine, the spread of the ratios was three times as wide.)
pub fn rates(rounds: usize, steps: usize, contenders: &[Contender<'_>]) -> Vec<Measured> {
    in_turns(rounds, steps, contenders, |run| {
        run.count as f64 / run.spent.as_secs_f64()
    })
}

/// Measures the milliseconds of CPU time that this process spends on 1,000 operations. The contenders take turns as for
/// [`rates`].
pub fn cpu_milliseconds(rounds: usize, steps: usize, contenders: &[Contender<'_>]) -> Vec<Measured> {
    in_turns(rounds, steps, contenders, |run| {
        run.cpu.as_secs_f64() * 1_000_000.0 / run.count as f64
    })
}

fn in_turns(rounds: usize, steps: usize, contenders: &[Contender<'_>], value: fn(Run) -> f64) -> Vec<Measured> {
    measured(rounds, contenders, |begun| {
        let mut totals: Vec<Run> = begun.iter().map(|_| Run::default()).collect();
        for step in 0..steps {
            for turn in 0..begun.len() {
                // Each step begins with another contender.
                let index = (step + turn) % begun.len();
                let run = begun[index](step);
                totals[index].count += run.count;
                totals[index].spent += run.spent;
                totals[index].cpu += run.cpu;
            }
        }
        totals.into_iter().map(value).collect()
    })
}

/// Measures the seconds that each contender takes for a single step.
pub fn seconds(rounds: usize, contenders: &[Contender<'_>]) -> Vec<Measured> {
    measured(rounds, contenders, |begun| {
        begun.iter_mut().map(|step| step(0).spent.as_secs_f64()).collect()
    })
}

fn measured(rounds: usize, contenders: &[Contender<'_>], round: impl Fn(&mut [Step<'_>]) -> Vec<f64>) -> Vec<Measured> {
    let empty = |contender: &Contender<'_>| Measured {
        name: contender.name.clone(),
        rounds: Vec::new(),
    };
    let mut all: Vec<Measured> = contenders.iter().map(empty).collect();
    for _ in 0..rounds {
        let mut begun: Vec<Step<'_>> = contenders.iter().map(|contender| (contender.begin)()).collect();
        for (measured, value) in all.iter_mut().zip(round(&mut begun)) {
            measured.rounds.push(value);
        }
    }
    all
}

impl Measured {
    pub fn spread(&self) -> Spread {
        Spread::of(self.rounds.clone())
    }

    /// The ratio to another contender in each round.
    pub fn share_of(&self, other: &Measured) -> Spread {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Spread::of(pairs.map(|(ours, theirs)| ours / theirs).collect())
    }
}
