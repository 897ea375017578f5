//! The rights of database roles: each kind of program gets what it needs and nothing else.
//!
//! | [`Access`] | For | Tenants |
//! |---|---|---|
//! | [`App`](Access::App) | the application: inserts deliveries, records webhooks, reads, sweeps and rebuilds a tenant | of the scope |
//! | [`Worker`](Access::Worker) | the process that hands messages to a provider | of the scope |
//! | [`Sender`](Access::Sender) | the same for all tenants | all |
//! | [`Reader`](Access::Reader) | dashboards and support: reads everything except event details | of the scope |
//! | [`Reconciler`](Access::Reconciler) | `mailglass reconcile`, `stats`, `verify`, `rebuild` and listing `outbox` | all |
//! | [`Privacy`](Access::Privacy) | erasing and exporting a person | of the scope |
//! | [`Retention`](Access::Retention) | deleting event details that have expired | all |
//!
//! With [row-level security](crate::tenancy), a role sees the tenant of [`scoped`](crate::tenancy::scoped) or, where the table
//! says so, all tenants. A role can have several kinds of access, and then has the rights of each. Do not add one that has
//! all tenants to a role that should see only one.
//!
//! No role gets UPDATE, DELETE, TRUNCATE, REFERENCES or TRIGGER on `mailglass_events`. Migrating and cutting the ledger need
//! the owner of the tables.
//!
//! ```
//! # test_support::with_database(|conn| {
//! use mailglass::roles::{self, Access};
//!
//! for statement in roles::statements(conn, "app", Access::App)? {
//!     println!("{statement};"); // GRANT USAGE ON SCHEMA "public" TO "app"; …
//! }
//! # Ok(())
//! # });
//! ```

mod access;
mod grant;
mod name;
mod rights;

pub use access::{Access, UnknownAccess};
pub use grant::{grant, statements};
