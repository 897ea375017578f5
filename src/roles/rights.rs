//! The rights of each kind of access on each table.

use super::access::Access;
use super::access::Access::*;

/// The rights of some kinds of access on a table.
pub(super) struct Rights {
    pub(super) table: &'static str,
    access: &'static [Access],
    /// As in GRANT.
    pub(super) rights: &'static str,
    /// Whether the rights are on the rows of all tenants, if row-level security is enabled.
    pub(super) all_tenants: bool,
}

/// The rights of a kind of access.
pub(super) fn of(access: Access) -> impl Iterator<Item = &'static Rights> {
    RIGHTS.iter().filter(move |rights| rights.access.contains(&access))
}

const DELIVERIES: &str = "mailglass_deliveries";
const EVENTS: &str = "mailglass_events";
const LINKS: &str = "mailglass_event_links";
const DETAILS: &str = "mailglass_event_details";
const ERASURES: &str = "mailglass_erasures";
const OUTBOX: &str = "mailglass_outbox";
const OUTBOX_USAGE: &str = "mailglass_outbox_usage";
const SUPPRESSIONS: &str = "mailglass_suppressions";

/// Diesel's table of versions, which [`run`](crate::migrations::run) and [`list`](crate::migrations::list) read.
pub(super) const VERSIONS: &str = "__diesel_schema_migrations";

/// The columns of a projection, and those that every change writes.
macro_rules! projected {
    () => {
        "last_event_type, last_event_at, terminal, dispatched_at, delivered_at, bounced_at, complained_at, suppressed_at, \
         status, lock_version, updated_at"
    };
}

/// What identifies a delivery, its tenant and its recipient never changes, except that erasing replaces the recipient.
const CHANGE_DELIVERIES: &str = concat!(
    "UPDATE (provider, provider_message_id, metadata, last_error, ",
    projected!(),
    ")"
);
const PROJECT_DELIVERIES: &str = concat!("SELECT, UPDATE (", projected!(), ")");

#[rustfmt::skip]
const RIGHTS: &[Rights] = &[
    // One row per table and right; the columns are those that the statements in `src/sql` write.
    one(DELIVERIES, &[App], "SELECT, INSERT"),
    one(DELIVERIES, &[Worker, Reader, Privacy], "SELECT"),
    one(DELIVERIES, &[App, Worker], CHANGE_DELIVERIES),
    all(DELIVERIES, &[Reconciler], PROJECT_DELIVERIES),
    all(DELIVERIES, &[Sender], "SELECT"),
    all(DELIVERIES, &[Sender], CHANGE_DELIVERIES),
    one(DELIVERIES, &[Privacy], "UPDATE (recipient, recipient_domain, lock_version, updated_at)"),
    one(LINKS, &[App, Worker], "SELECT, INSERT"),
    all(LINKS, &[Sender], "SELECT, INSERT"),
    one(LINKS, &[Reader, Privacy], "SELECT"),
    // A delivery that learns its message id links the events that wait for it.
    one(LINKS, &[App, Worker], SWEEP_LINKS),
    all(LINKS, &[Sender], SWEEP_LINKS),
    all(LINKS, &[Reconciler], SWEEP_LINKS_READING),
    one(LINKS, &[Privacy], "UPDATE (recipient)"),
    one(DETAILS, &[App], "SELECT, INSERT"),
    one(DETAILS, &[Worker], "INSERT"),
    one(DETAILS, &[Privacy], "SELECT, DELETE"),
    // It locks the rows, which needs UPDATE on some column.
    all(DETAILS, &[Retention], "DELETE, SELECT (event_id, tenant_id, inserted_at), UPDATE (inserted_at)"),
    one(ERASURES, &[Reader], "SELECT"),
    one(ERASURES, &[Privacy], "SELECT, INSERT"),
    one(EVENTS, &[App, Worker], "SELECT, INSERT"),
    all(EVENTS, &[Sender], "SELECT, INSERT"),
    one(EVENTS, &[Reader, Privacy], "SELECT"),
    all(EVENTS, &[Reconciler], "SELECT"),
    one(OUTBOX, &[App], "SELECT, INSERT, UPDATE, DELETE"),
    one(OUTBOX, &[Worker], "SELECT, UPDATE, DELETE"),
    all(OUTBOX, &[Sender], "SELECT, UPDATE, DELETE"),
    all(OUTBOX, &[Reconciler], "SELECT"),
    one(OUTBOX, &[Reader], "SELECT"),
    one(OUTBOX, &[Privacy], "SELECT, UPDATE (recipient_domain)"),
    one(OUTBOX_USAGE, &[App, Worker], "SELECT, INSERT, UPDATE, DELETE"),
    all(OUTBOX_USAGE, &[Sender], "SELECT, INSERT, UPDATE, DELETE"),
    one(SUPPRESSIONS, &[App], "SELECT, INSERT, UPDATE, DELETE"),
    one(SUPPRESSIONS, &[Worker], "SELECT, INSERT, UPDATE"),
    all(SUPPRESSIONS, &[Sender, Reconciler], "SELECT, INSERT, UPDATE"),
    one(SUPPRESSIONS, &[Reader], "SELECT"),
    one(SUPPRESSIONS, &[Privacy], "SELECT, UPDATE (address)"),
    one(VERSIONS, Access::ALL, "SELECT"),
];

macro_rules! swept {
    () => {
        "UPDATE (delivery_id, provider, provider_message_id, recipient, waiting_reason, checked_at, linked_at, expired_at)"
    };
}
const SWEEP_LINKS: &str = swept!();
const SWEEP_LINKS_READING: &str = concat!("SELECT, ", swept!());

/// Rights on the rows of one tenant.
const fn one(table: &'static str, access: &'static [Access], rights: &'static str) -> Rights {
    Rights {
        table,
        access,
        rights,
        all_tenants: false,
    }
}

/// Rights on the rows of all tenants.
const fn all(table: &'static str, access: &'static [Access], rights: &'static str) -> Rights {
    Rights {
        table,
        access,
        rights,
        all_tenants: true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A table without a row is one that nobody may use: a decision, which has to be made here.
    #[test]
    fn every_table_has_rights_and_no_other_has() {
        let named: BTreeSet<&str> = RIGHTS.iter().map(|rights| rights.table).collect();
        let tables: BTreeSet<&str> = crate::contract::tables().chain([VERSIONS]).collect();
        assert_eq!(named, tables);
    }

    #[test]
    fn no_access_changes_the_ledger() {
        let on_events = RIGHTS.iter().filter(|rights| rights.table == EVENTS);
        for rights in on_events {
            assert!(
                ["SELECT", "SELECT, INSERT"].contains(&rights.rights),
                "{}",
                rights.rights
            );
        }
    }
}
