//! A place of the quickstart's own on the server of `DATABASE_URL`.

use diesel::prelude::*;
use diesel::sql_query;

use crate::Failure;

pub(crate) const NAME: &str = "mailglass_quickstart";

/// A schema that nobody else uses; one that is there already is dropped only if a quickstart made it.
pub(crate) fn enter(conn: &mut PgConnection) -> Result<(), Failure> {
    let made_by_us = format!(
        "DO $$ BEGIN
             IF obj_description(to_regnamespace('{NAME}'), 'pg_namespace') = 'quickstart of mailglass' THEN
                 DROP SCHEMA {NAME} CASCADE;
             END IF;
         END $$"
    );
    sql_query(made_by_us).execute(conn)?;
    sql_query(format!("CREATE SCHEMA {NAME}")).execute(conn)?;
    sql_query(format!("COMMENT ON SCHEMA {NAME} IS 'quickstart of mailglass'")).execute(conn)?;
    sql_query(format!("SET search_path = {NAME}")).execute(conn)?;
    println!("Your PostgreSQL, in the schema {NAME}.");
    Ok(())
}
