//! The pause before the next attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// The pause before the attempt that follows `attempt`, which is counted from 1: exponential, with jitter.
///
/// It is between a half and the whole of 15 seconds after the first attempt, twice as much after each further one, and never more
/// than six hours. The jitter prevents that all deliveries which failed in an outage are tried again at the same time. Twenty
/// attempts take about two days.
///
/// ```
/// use std::time::Duration;
/// use mailglass::outbox::backoff;
///
/// assert!((Duration::from_millis(7_500)..=Duration::from_secs(15)).contains(&backoff(1)));
/// assert!(backoff(20) >= Duration::from_secs(3 * 60 * 60));
/// ```
pub fn backoff(attempt: u32) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = (Duration::from_secs(15) * 2_u32.pow(doublings)).min(LONGEST);
    let half = whole / 2;
    let range = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
    half + Duration::from_micros(RandomState::new().hash_one(attempt) % (range + 1))
}
