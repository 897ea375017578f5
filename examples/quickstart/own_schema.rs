//! A schema for the quickstart on the server of `DATABASE_URL`.

use diesel::prelude::*;
use diesel::sql_query;

use crate::Failure;

pub(crate) const NAME: &str = "mailglass_quickstart";

/// Creates the schema and makes it the session's only one. Replaces the schema of an earlier run, but not one of the same
/// name that something else created: the comment tells them apart.
pub(crate) fn enter(conn: &mut PgConnection) -> Result<(), Failure> {
    let drop_earlier_run = format!(
        "DO $$ BEGIN
             IF obj_description(to_regnamespace('{NAME}'), 'pg_namespace') = 'quickstart of mailglass' THEN
                 DROP SCHEMA {NAME} CASCADE;
             END IF;
         END $$"
    );
    sql_query(drop_earlier_run).execute(conn)?;
    sql_query(format!("CREATE SCHEMA {NAME}")).execute(conn)?;
    sql_query(format!("COMMENT ON SCHEMA {NAME} IS 'quickstart of mailglass'")).execute(conn)?;
    sql_query(format!("SET search_path = {NAME}")).execute(conn)?;
    println!("The PostgreSQL of DATABASE_URL, in the schema {NAME}.");
    Ok(())
}
