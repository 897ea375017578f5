//! Concurrent migrations of the same empty database. Each schedule has its own database.

use mailglass::migrations;
use scratch_postgres::Server;

use super::is_everything_wanted;
use crate::support::connect;
use crate::support::schedules::Schedules;
use crate::support::sessions::Sessions;

#[test]
fn concurrent_migrations_are_applied_once() {
    let server = Server::start().unwrap();
    let socket = server.directory().unwrap();
    let most = if is_everything_wanted() { usize::MAX } else { 10 };
    let mut schedules = Schedules::new(1);
    for _ in 0..most {
        let database = server.database().unwrap();
        let mut sessions = Sessions::new(socket, &database, 2);
        let run = |conn: &mut diesel::PgConnection| migrations::run(conn).map(|versions| versions.len());
        let applied = sessions.run(vec![run; 2], |free| schedules.choose(free), || {});
        let mut applied: Vec<usize> = applied.into_iter().map(Result::unwrap).collect();
        applied.sort_unstable();
        assert_eq!(applied, [0, migrations::FILES.len()], "{}", schedules.text());
        assert_eq!(migrations::run(&mut connect(&database)).unwrap().len(), 0);
        if !schedules.advance() {
            break;
        }
    }
}
