//! The tenants of a database.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::connection::Connection;
use crate::failure::Failure;

#[derive(QueryableByName)]
pub(crate) struct Tenant {
    #[diesel(sql_type = Text)]
    pub(crate) tenant: String,
    #[diesel(sql_type = BigInt)]
    pub(crate) deliveries: i64,
}

/// All tenants with deliveries, or only the given one.
pub(crate) fn tenants(connection: &mut Connection, only: Option<&str>) -> Result<Vec<Tenant>, Failure> {
    let tenants = "SELECT tenant_id AS tenant, count(*) AS deliveries FROM mailglass_deliveries
                    WHERE $1 IS NULL OR tenant_id = $1 GROUP BY tenant_id ORDER BY tenant_id";
    connection.run(|conn| Ok(sql_query(tenants).bind::<Nullable<Text>, _>(only).load(conn)?))
}
