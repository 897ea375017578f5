//! Separating tenants: queries of one tenant, and row-level security.
//!
//! Every function of this crate that reads or writes names its tenant. A function or an option that works on all tenants has
//! [`Tenants::All`] or `all_tenants` in its name, so a search finds every call.
//!
//! For your own queries, [`Delivery::for_tenant`](crate::Delivery::for_tenant) and
//! [`Event::for_tenant`](crate::Event::for_tenant) name the tenant.
//!
//! # Row-level security
//!
//! A query of your own can lack the tenant. With row-level security, such a query returns no row of another tenant:
//! [`enable`] creates a policy for each table, and [`scoped`] sets the tenant for one transaction. Without a tenant there are no
//! rows. It is off unless you enable it.
//!
//! ```
//! # test_support::with_database(|conn| {
//! use diesel::prelude::*;
//! use mailglass::schema::mailglass_deliveries;
//! use mailglass::{NewDelivery, Stream, roles, tenancy};
//!
//! // As the owner of the tables, once:
//! tenancy::enable(conn)?;
//! diesel::sql_query("CREATE ROLE tenancy_example").execute(conn)?;
//! roles::grant(conn, "tenancy_example", roles::Access::App)?;
//!
//! // The application connects as a role that neither owns the tables nor is a superuser.
//! diesel::sql_query("SET ROLE tenancy_example").execute(conn)?;
//! let delivery = tenancy::scoped(conn, "acme", |conn| {
//!     NewDelivery::new("acme", "welcome", Stream::Transactional, "ann@example.com").insert(conn)
//! })?
//! .into_delivery();
//! let everything = |conn: &mut PgConnection| mailglass_deliveries::table.count().get_result::<i64>(conn);
//! assert_eq!(tenancy::scoped(conn, "acme", |conn| Ok::<_, mailglass::Error>(everything(conn)?))?, 1);
//! assert_eq!(tenancy::scoped(conn, "globex", |conn| Ok::<_, mailglass::Error>(everything(conn)?))?, 0);
//! assert_eq!(everything(conn)?, 0);
//! # diesel::sql_query("RESET ROLE").execute(conn)?;
//! # diesel::sql_query("DROP OWNED BY tenancy_example").execute(conn)?;
//! # diesel::sql_query("DROP ROLE tenancy_example").execute(conn)?;
//! # Ok(())
//! # });
//! ```
//!
//! [Tenants and roles](crate::_documentation::tenants) describes what it prevents and what not, and the settings for a pooler.

mod enter;
mod hidden;
pub(crate) mod policies;
mod queries;
mod scoped;
mod tenants;

pub(crate) use hidden::is_active;
pub use policies::{disable, disable_statements, enable, enable_statements};
pub use queries::{DeliveriesOfTenant, EventsOfTenant};
pub use scoped::scoped;
pub use tenants::Tenants;

/// The setting that has the tenant of the transaction. [`scoped`] sets it. In other languages, use
/// `SELECT set_config('mailglass.tenant_id', $1, true)` in each transaction.
pub const SETTING: &str = "mailglass.tenant_id";
