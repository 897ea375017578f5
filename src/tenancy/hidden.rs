//! Whether policies hide rows from the session.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Bool;

use crate::sql::sql;

#[derive(QueryableByName)]
struct Active {
    #[diesel(sql_type = Bool)]
    is_active: bool,
}

/// Whether policies apply to what the session reads of `mailglass_deliveries`.
pub(crate) fn is_active(conn: &mut PgConnection) -> QueryResult<bool> {
    let active: Active = sql_query(sql!("tenancy/is_active")).get_result(conn)?;
    Ok(active.is_active)
}
