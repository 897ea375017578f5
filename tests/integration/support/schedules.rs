//! Enumerates schedules: orders in which sessions take their steps.

/// Enumerates all schedules depth first. Each schedule is a prefix of an earlier one, another choice, and then the first
/// option at every step.
pub struct Schedules {
    choices: Vec<Choice>,
    depth: usize,
    /// How often a schedule may switch away from a session that could continue. Most races need one or two preemptions,
    /// and the number of schedules grows with each.
    preemptions: usize,
}

struct Choice {
    options: Vec<usize>,
    taken: usize,
    is_preemption: bool,
}

impl Schedules {
    pub fn new(preemptions: usize) -> Schedules {
        Schedules {
            choices: Vec::new(),
            depth: 0,
            preemptions,
        }
    }

    /// Chooses the session that takes the next step of this schedule.
    pub fn choose(&mut self, free: &[usize]) -> usize {
        let last = self.depth.checked_sub(1).map(|before| self.choices[before].session());
        let could_continue = last.is_some_and(|last| free.contains(&last));
        if let Some(choice) = self.choices.get(self.depth)
            && free.contains(&choice.session())
        {
            self.depth += 1;
            return self.choices[self.depth - 1].session();
        }
        // The prefix has ended, or the server behaved differently than in the earlier schedule.
        self.choices.truncate(self.depth);
        let mut options = free.to_vec();
        if could_continue {
            options.sort_by_key(|option| Some(*option) != last);
            let preempted = self.choices.iter().filter(|choice| choice.preempts()).count();
            if preempted >= self.preemptions {
                options.truncate(1);
            }
        }
        self.choices.push(Choice {
            options,
            taken: 0,
            is_preemption: could_continue,
        });
        self.depth += 1;
        self.choices[self.depth - 1].session()
    }

    /// Moves to the next schedule; false if there is none.
    pub fn advance(&mut self) -> bool {
        self.choices.truncate(self.depth);
        self.depth = 0;
        while let Some(choice) = self.choices.last_mut() {
            choice.taken += 1;
            if choice.taken < choice.options.len() {
                return true;
            }
            self.choices.pop();
        }
        false
    }

    /// Whether the steps of two sessions were interleaved.
    pub fn overlaps(&self) -> bool {
        let mut turns: Vec<char> = self.text().chars().collect();
        turns.dedup();
        let count = turns.len();
        turns.sort_unstable();
        turns.dedup();
        turns.len() < count
    }

    /// The sessions in the order of their steps, such as `ABBA`.
    pub fn text(&self) -> String {
        self.choices[..self.depth]
            .iter()
            .map(|choice| char::from(b'A' + choice.session() as u8))
            .collect()
    }
}

impl Choice {
    fn session(&self) -> usize {
        self.options[self.taken]
    }

    fn preempts(&self) -> bool {
        self.is_preemption && self.taken > 0
    }
}
