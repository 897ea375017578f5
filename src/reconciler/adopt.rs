//! Adopting events that others appended: reading which delivery they are about.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::Value;
use uuid::Uuid;

use super::Sweep;
use crate::error::Result;
use crate::provider_reference::ProviderReference;
use crate::retry;

/// What an event says about its delivery. Its type is not read: this build may not know it.
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

/// Reads what others appended, at most as many events as the sweep looks at, so that it can look for their deliveries.
pub(super) fn adopt(conn: &mut PgConnection, sweep: &Sweep) -> Result<()> {
    retry::serializable(conn, |conn| {
        let events: Vec<Unread> = sql_query(include_str!("unread.sql"))
            .bind::<Nullable<Text>, _>(sweep.tenant.as_deref())
            .bind::<BigInt, _>(i64::from(sweep.limit))
            .load(conn)?;
        if events.is_empty() {
            return Ok(());
        }
        let references: Vec<ProviderReference<'_>> = events
            .iter()
            .map(|event| ProviderReference::read(&event.metadata, &event.normalized_payload))
            .collect();
        let reasons = events.iter().zip(&references).map(|(event, reference)| {
            // What names nothing can be linked to nothing.
            if event.delivery_id.is_some() || reference.message_id.is_some() {
                "no_delivery"
            } else {
                "malformed"
            }
        });
        let of_each = |value: fn(&ProviderReference<'_>) -> Option<String>| -> Vec<Option<String>> {
            references.iter().map(value).collect()
        };
        sql_query(include_str!("adopt.sql"))
            .bind::<Array<SqlUuid>, _>(events.iter().map(|event| event.id).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(of_each(|reference| reference.provider.map(str::to_owned)))
            .bind::<Array<Nullable<Text>>, _>(of_each(|reference| reference.message_id.map(str::to_owned)))
            .bind::<Array<Nullable<Text>>, _>(of_each(|reference| reference.recipient.map(str::to_owned)))
            .bind::<Array<Text>, _>(reasons.collect::<Vec<_>>())
            .execute(conn)?;
        Ok(())
    })
}
