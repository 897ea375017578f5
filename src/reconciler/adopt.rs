//! Adopting events that other applications appended: reading which delivery they name.

use std::sync::LazyLock;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::sweep_options::SweepOptions;
use crate::error::Result;
use crate::models::provider_reference::ProviderReference;
use crate::retry;
use crate::sql::{Bound, params, sql, statement, with_parameters};

static UNREAD: LazyLock<String> = LazyLock::new(|| with_parameters(&["tenant", "limit"], &[], sql!("unread_events")));

params! {
    /// The deliveries that events name.
    struct Named<'a> from event: &'a Unread;
        reference = ProviderReference::read(&event.metadata, &event.normalized_payload);
    {
        event_id: SqlUuid = event.id => Uuid,
        provider: Nullable<Text> = reference.provider => Option<&'a str>,
        provider_message_id: Nullable<Text> = reference.message_id => Option<&'a str>,
        recipient: Nullable<Text> = reference.recipient => Option<&'a str>,
        waiting_reason: Text = event.waiting_reason(&reference) => &'static str,
    }
}

statement! {
    /// Writes the deliveries that events name to their links.
    struct Adopt(named: Named) -> () {
        "lock_unread_links",
        => "adopt_events"
    }
}

/// The parts of an event that name its delivery. Its type is not read, because this build may not know it.
#[derive(QueryableByName)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct Unread {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    delivery_id: Option<Uuid>,
    #[diesel(sql_type = Jsonb)]
    normalized_payload: Value,
    #[diesel(sql_type = Jsonb)]
    metadata: Value,
}

impl Unread {
    fn waiting_reason(&self, reference: &ProviderReference<'_>) -> &'static str {
        if self.delivery_id.is_some() || reference.message_id.is_some() {
            "no_delivery"
        } else {
            "malformed"
        }
    }
}

/// Reads events that others appended, at most `limit`, so that the sweep can search for their deliveries.
pub(super) fn adopt(conn: &mut PgConnection, options: &SweepOptions) -> Result<()> {
    retry::serializable(conn, |conn| {
        let events: Vec<Unread> = sql_query(UNREAD.as_str())
            .bind::<Nullable<Text>, _>(options.tenants.only())
            .bind::<BigInt, _>(i64::from(options.limit))
            .load(conn)?;
        if !events.is_empty() {
            Bound::<Adopt>::new(&Named::new(&events)).execute(conn)?;
        }
        Ok(())
    })
}
