//! Rates of several contenders that take turns, and their ratios.

use std::time::{Duration, Instant};

/// What was measured of one contender, a value each round.
pub struct Measured {
    pub name: String,
    pub rounds: Vec<f64>,
}

/// So many in so long.
pub struct Run {
    count: usize,
    spent: Duration,
}

impl Run {
    pub fn of(count: usize, work: impl FnOnce()) -> Run {
        let begun = Instant::now();
        work();
        Run {
            count,
            spent: begun.elapsed(),
        }
    }
}

/// One part of a round, given which one. It may set things up outside of what it times.
pub type Step<'a> = Box<dyn FnMut(usize) -> Run + 'a>;

/// A name, and what begins a round: it sets things up and returns the step.
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

/// Lets contenders take turns at every step, so that what the machine does meanwhile hits all of them, and gives how many a
/// second each did. (Turn by turn whole rounds, the shares of a busy machine's were three times as far apart.)
pub fn rates(rounds: usize, steps: usize, contenders: &[Contender<'_>]) -> Vec<Measured> {
    measured(rounds, contenders, |begun| {
        let mut totals = vec![(0, Duration::ZERO); begun.len()];
        for step in 0..steps {
            for turn in 0..begun.len() {
                // Another one begins each time.
                let index = (step + turn) % begun.len();
                let run = begun[index](step);
                totals[index].0 += run.count;
                totals[index].1 += run.spent;
            }
        }
        let rate = |(count, spent): (usize, Duration)| count as f64 / spent.as_secs_f64();
        totals.into_iter().map(rate).collect()
    })
}

/// The seconds that each takes for its one step.
pub fn seconds(rounds: usize, contenders: &[Contender<'_>]) -> Vec<Measured> {
    measured(rounds, contenders, |begun| {
        begun.iter_mut().map(|step| step(0).spent.as_secs_f64()).collect()
    })
}

fn measured(rounds: usize, contenders: &[Contender<'_>], round: impl Fn(&mut [Step<'_>]) -> Vec<f64>) -> Vec<Measured> {
    let name = |it: &Contender<'_>| Measured {
        name: it.name.clone(),
        rounds: Vec::new(),
    };
    let mut all: Vec<Measured> = contenders.iter().map(name).collect();
    for _ in 0..rounds {
        let mut begun: Vec<Step<'_>> = contenders.iter().map(|it| (it.begin)()).collect();
        for (measured, value) in all.iter_mut().zip(round(&mut begun)) {
            measured.rounds.push(value);
        }
    }
    all
}

/// A median, with the lowest and the highest.
#[derive(Clone, Copy, serde::Serialize)]
pub struct Spread {
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Spread {
        values.sort_by(f64::total_cmp);
        Spread {
            median: values[values.len() / 2],
            lowest: values[0],
            highest: values[values.len() - 1],
        }
    }
}

impl Measured {
    pub fn spread(&self) -> Spread {
        Spread::of(self.rounds.clone())
    }

    /// Round by round, as a share of another's.
    pub fn share_of(&self, other: &Measured) -> Spread {
        let pairs = self.rounds.iter().zip(&other.rounds);
        Spread::of(pairs.map(|(ours, theirs)| ours / theirs).collect())
    }
}
