//! Rates of several contenders that take turns, and their ratios.

use std::time::Instant;

/// The rates of one contender, a round each.
pub struct Rates {
    pub name: &'static str,
    pub per_second: Vec<f64>,
}

/// A name, and one round of what is measured.
pub struct Contender<'a> {
    name: &'static str,
    run: Box<dyn FnMut() -> Run + 'a>,
}

impl<'a> Contender<'a> {
    pub fn new(name: &'static str, run: impl FnMut() -> Run + 'a) -> Contender<'a> {
        Contender {
            name,
            run: Box::new(run),
        }
    }
}

/// Lets contenders run in turn, so that what the machine does meanwhile hits all of them.
pub fn in_turn(rounds: usize, mut contenders: Vec<Contender<'_>>) -> Vec<Rates> {
    let name = |it: &Contender<'_>| Rates {
        name: it.name,
        per_second: Vec::new(),
    };
    let mut rates: Vec<Rates> = contenders.iter().map(name).collect();
    for round in 0..rounds {
        for turn in 0..contenders.len() {
            // Another one begins each time.
            let index = (round + turn) % contenders.len();
            rates[index].per_second.push((contenders[index].run)().per_second());
        }
    }
    rates
}

/// So many in so long.
pub struct Run {
    count: usize,
    seconds: f64,
}

impl Run {
    pub fn of(count: usize, work: impl FnOnce()) -> Run {
        let begun = Instant::now();
        work();
        Run {
            count,
            seconds: begun.elapsed().as_secs_f64(),
        }
    }

    fn per_second(&self) -> f64 {
        self.count as f64 / self.seconds
    }
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

impl Rates {
    pub fn spread(&self) -> Spread {
        Spread::of(self.per_second.clone())
    }

    /// Round by round, as a share of another's.
    pub fn share_of(&self, other: &Rates) -> Spread {
        Spread::of(
            self.per_second
                .iter()
                .zip(&other.per_second)
                .map(|(ours, theirs)| ours / theirs)
                .collect(),
        )
    }
}
