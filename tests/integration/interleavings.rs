//! Races, without thinking of them one by one: calls at once, in every order of their steps. After each step
//! `projection::verify` reports nothing; in the end the answers and the tables are those of some serial order.

mod calls;
mod scenario;
mod start;
mod world;

use self::calls::Script;
use self::scenario::Theatre;
use self::start::Start;

#[test]
fn probe() {
    let begun = std::time::Instant::now();
    let mut theatre = Theatre::new("read committed");
    println!("theatre {:?}", begun.elapsed());
    let mut failures = Vec::new();
    for (a, b) in [(calls::INSERT, calls::INSERT), (calls::INSERT_SENT, calls::INSERT_SENT), (calls::RECORD_BY_ID, calls::INSERT), (calls::RECORD_BY_ID, calls::RECORD_BY_ID), (calls::RECORD_BY_ID, calls::REBUILD)] {
        for start in [Start::Nothing, Start::Delivery] {
            let (begun, before) = (std::time::Instant::now(), theatre.schedules);
            failures.extend(theatre.play(start, &[a, b], 99));
            println!("{start:?} {} {}: {} in {:?}", a.title(), b.title(), theatre.schedules - before, begun.elapsed());
        }
    }
    for f in failures { println!("{f}"); }
}
