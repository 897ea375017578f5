//! Linking the events that arrived before their delivery had its message id, as soon as it has.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::models::Delivery;
use crate::sql::{Bound, First, params, statement};

params! {
    /// Deliveries that have learned their message ids.
    struct Dispatched<'a> from delivery: &'a Delivery {
        delivery_id: SqlUuid = delivery.id => Uuid,
        tenant_id: Text = &delivery.tenant_id => &'a str,
        provider: Nullable<Text> = delivery.provider.as_deref() => Option<&'a str>,
        provider_message_id: Nullable<Text> = delivery.provider_message_id.as_deref() => Option<&'a str>,
        recipient: Text = &delivery.recipient => &'a str,
    }
}

type OneDispatched<'a> = First<Dispatched<'a>>;

statement! {
    /// Locks the links that wait for a message: one probe of an index, if there are none.
    struct FindEarly(dispatched: OneDispatched) -> SqlUuid {
        "early_links",
        => "early_ids"
    }
}

statement! {
    /// Links the events that wait for a message, and projects them.
    struct LinkEarly(dispatched: OneDispatched) -> SqlUuid {
        "early_links",
        "early_outcomes",
        "update_links",
        "linked_events",
        "linked_facts",
        "fold",
        "merge",
        "write_projections",
        => "projected_ids"
    }
}

/// Links the events that wait for the message of a delivery, and returns whether there are any. It runs in a transaction that
/// has locked the delivery.
///
/// If the database rejects an event, because of a trigger or a constraint of the application, they keep waiting, and the next
/// sweep reports that one. The message has been sent, so its id must be stored in any case.
pub(super) fn link_early(conn: &mut PgConnection, delivery: &Delivery) -> Result<bool> {
    let params = First(Dispatched::new([delivery]));
    let early: Vec<Uuid> = Bound::<FindEarly>::new(&params).load(conn)?;
    if early.is_empty() {
        return Ok(false);
    }
    let linked = conn.transaction(|conn| {
        let projected: Vec<Uuid> = Bound::<LinkEarly>::new(&params).load(conn)?;
        Ok(!projected.is_empty())
    });
    match linked {
        // After a lost connection, the caller's next statement fails.
        Err(Error::Database(_)) => Ok(false),
        linked => linked,
    }
}
