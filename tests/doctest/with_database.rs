// Included by the doctests: a migrated database of their own. (The include! makes it one file instead of many copies.)
#[allow(dead_code, reason = "a doctest takes what it needs")]
fn with_database(test: impl FnOnce(&mut diesel::PgConnection) -> mailglass::Result<()>) {
    let server = scratch_postgres::Server::from_env_or_start().unwrap();
    let database = server.database().unwrap();
    let mut conn = <diesel::PgConnection as diesel::Connection>::establish(database.url()).unwrap();
    mailglass::migrations::run(&mut conn).unwrap();
    test(&mut conn).unwrap();
}
