//! Races, without thinking of them one by one: calls at once, in every order of their steps. After each step
//! `projection::verify` reports nothing; in the end the answers and the tables are those of some serial order.

mod calls;
mod scenario;
mod start;
mod world;

use self::calls::Script;
use self::scenario::Theatre;
use self::start::Start;


fn pairs(start: Start, preemptions: usize) {
    let begun = std::time::Instant::now();
    let mut theatre = Theatre::new("read committed");
    println!("theatre {:?}", begun.elapsed());
    let mut failures = Vec::new();
    for (i, a) in calls::ALL.iter().enumerate() {
        for b in &calls::ALL[i..] {
            let (begun, before) = (std::time::Instant::now(), theatre.schedules);
            failures.extend(theatre.play(start, &[*a, *b], preemptions));
            println!("{start:?} {} | {}: {} in {:?}", a.title(), b.title(), theatre.schedules - before, begun.elapsed());
        }
    }
    println!("TOTAL {start:?} {} in {:?}", theatre.schedules, begun.elapsed());
    std::fs::write(format!("/tmp/inter-{start:?}.txt"), failures.join("\n")).unwrap();
}
#[test]
fn probe_nothing() { pairs(Start::Nothing, 2) }
#[test]
fn probe_delivery() { pairs(Start::Delivery, 2) }
#[test]
fn probe_orphans() { pairs(Start::Orphans, 2) }
#[test]
fn probe_deleted() { pairs(Start::Deleted, 2) }
