// Included by the doctests, which can't share code otherwise: a migrated database of their own.
pub fn with_database(test: impl FnOnce(&mut diesel::PgConnection) -> mailglass::Result<()>) {
    let server = scratch_postgres::Server::from_env_or_start().unwrap();
    let database = server.database().unwrap();
    let mut conn = <diesel::PgConnection as diesel::Connection>::establish(database.url()).unwrap();
    mailglass::migrations::run(&mut conn).unwrap();
    test(&mut conn).unwrap();
}
