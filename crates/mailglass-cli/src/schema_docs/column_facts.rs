//! The facts about columns that only the crate knows: the Rust field and type, the writer, when it can change, and whether it
//! holds personal data. Names and types come from the models and from `mailglass::schema`, so the compiler checks them.

use std::any::type_name;

use diesel::{Column, Expression};
use mailglass::privacy::Erasure;
use mailglass::schema::{
    mailglass_deliveries, mailglass_erasures, mailglass_event_details, mailglass_event_links, mailglass_events,
    mailglass_outbox, mailglass_outbox_usage, mailglass_suppressions,
};
use mailglass::{Delivery, Event};

use super::model::{Changes, ColumnFacts, PersonalData, Writer};

/// The name of a column, and its facts.
type Known = (&'static str, ColumnFacts);

/// The facts about the columns of a table. Empty for tables of the application.
pub(crate) fn columns(table: &str) -> Vec<Known> {
    match table {
        "mailglass_deliveries" => deliveries(),
        "mailglass_events" => events(),
        "mailglass_event_links" => event_links(),
        "mailglass_event_details" => event_details(),
        "mailglass_erasures" => erasures(),
        "mailglass_outbox" => outbox(),
        "mailglass_outbox_usage" => outbox_usage(),
        "mailglass_suppressions" => suppressions(),
        _ => Vec::new(),
    }
}

macro_rules! known {
    ($table:ident, $model:ident { $($column:ident: $writer:ident, $changes:ident, $personal:ident;)* }) => {
        vec![$({
            let field = format!("{}::{}", stringify!($model), stringify!($column));
            let rust_type = type_of(|model: &$model| &model.$column);
            column($table::$column, Some((field, rust_type)), Writer::$writer, Changes::$changes, PersonalData::$personal)
        }),*]
    };
    ($table:ident { $($column:ident: $writer:ident, $changes:ident, $personal:ident;)* }) => {
        vec![$(column($table::$column, None, Writer::$writer, Changes::$changes, PersonalData::$personal)),*]
    };
}

fn deliveries() -> Vec<Known> {
    known!(mailglass_deliveries, Delivery {
        id: Mailglass, Never, No;
        tenant_id: Application, Never, No;
        mailable: Application, Never, No;
        stream: Application, Never, No;
        recipient: Application, OnErasure, Yes;
        recipient_domain: Mailglass, OnErasure, MayHold;
        provider: Application, OnUpdate, No;
        provider_message_id: Application, OnUpdate, No;
        last_event_type: Projection, WithEvents, No;
        last_event_at: Projection, WithEvents, No;
        terminal: Projection, WithEvents, No;
        dispatched_at: Projection, WithEvents, No;
        delivered_at: Projection, WithEvents, No;
        bounced_at: Projection, WithEvents, No;
        complained_at: Projection, WithEvents, No;
        suppressed_at: Projection, WithEvents, No;
        metadata: Application, OnUpdate, MayHold;
        lock_version: Mailglass, Always, No;
        idempotency_key: Application, Never, MayHold;
        status: Projection, WithEvents, No;
        last_error: Application, OnUpdate, MayHold;
        inserted_at: Database, Never, No;
        updated_at: Database, Always, No;
    })
}

fn events() -> Vec<Known> {
    known!(mailglass_events, Event {
        id: Mailglass, Never, No;
        tenant_id: Application, Never, No;
        delivery_id: Mailglass, Never, No;
        type_: Application, Never, No;
        occurred_at: Application, Never, No;
        idempotency_key: Application, Never, MayHold;
        reject_reason: Application, Never, No;
        normalized_payload: Application, Never, MayHold;
        metadata: Application, Never, MayHold;
        trace_id: Application, Never, No;
        needs_reconciliation: Mailglass, Never, No;
        inserted_at: Database, Never, No;
    })
}

fn event_links() -> Vec<Known> {
    known!(mailglass_event_links {
        event_id: Mailglass, Never, No;
        tenant_id: Mailglass, Never, No;
        delivery_id: Reconciler, Once, No;
        named_delivery_id: Mailglass, Never, No;
        provider: Mailglass, Never, No;
        provider_message_id: Mailglass, Never, No;
        recipient: Mailglass, OnSweep, Yes;
        waiting_reason: Reconciler, OnSweep, No;
        inserted_at: Database, Never, No;
        checked_at: Reconciler, OnSweep, No;
        linked_at: Reconciler, Once, No;
        expired_at: Reconciler, Once, No;
    })
}

fn event_details() -> Vec<Known> {
    known!(mailglass_event_details {
        event_id: Mailglass, Never, No;
        tenant_id: Mailglass, Never, No;
        recipient: Application, Never, Yes;
        data: Application, Never, Yes;
        inserted_at: Database, Never, No;
    })
}

fn erasures() -> Vec<Known> {
    known!(mailglass_erasures, Erasure {
        id: Mailglass, Never, No;
        tenant_id: Application, Never, No;
        deliveries: Mailglass, Never, No;
        event_details: Mailglass, Never, No;
        event_links: Mailglass, Never, No;
        suppressions: Mailglass, Never, No;
        domain_kept: Application, Never, No;
        erased_at: Database, Never, No;
    })
}

fn outbox() -> Vec<Known> {
    known!(mailglass_outbox {
        delivery_id: Mailglass, Never, No;
        tenant_id: Mailglass, Never, No;
        stream: Mailglass, Never, No;
        recipient_domain: Mailglass, OnErasure, MayHold;
        available_at: Application, OnAttempt, No;
        attempts: Mailglass, OnAttempt, No;
        last_attempt: Mailglass, OnAttempt, No;
        lease_id: Mailglass, OnAttempt, No;
        worker: Application, OnAttempt, No;
        held_at: Mailglass, OnAttempt, No;
        inserted_at: Database, Never, No;
        stream_rank: Database, Never, No;
        tenant_hash: Database, Never, No;
    })
}

fn outbox_usage() -> Vec<Known> {
    known!(mailglass_outbox_usage {
        tenant_id: Mailglass, Never, No;
        recipient_domain: Mailglass, Never, MayHold;
        window_seconds: Application, Never, No;
        window_ends_at: Mailglass, OnAttempt, No;
        claims: Mailglass, OnAttempt, No;
    })
}

fn suppressions() -> Vec<Known> {
    known!(mailglass_suppressions {
        id: Mailglass, Never, No;
        tenant_id: Application, Never, No;
        scope: Application, Never, No;
        stream: Application, Never, No;
        digest: Mailglass, Never, MayHold;
        address: Application, OnErasure, Yes;
        reason: Application, Never, No;
        source_event_id: Mailglass, Always, No;
        since: Application, Always, No;
        until: Application, Always, No;
    })
}

fn column<C: Column>(
    _: C,
    field: Option<(String, String)>,
    written_by: Writer,
    changes: Changes,
    personal_data: PersonalData,
) -> Known {
    let (field, rust_type) = field.unzip();
    let known = ColumnFacts {
        field,
        rust_type,
        diesel_type: without_paths(type_name::<<C as Expression>::SqlType>()),
        written_by,
        changes,
        personal_data,
    };
    (C::NAME, known)
}

fn type_of<M, T>(_: fn(&M) -> &T) -> String {
    without_paths(type_name::<T>())
}

/// `Option<String>` for `core::option::Option<alloc::string::String>`.
fn without_paths(name: &str) -> String {
    let mut text = String::new();
    for part in name.split_inclusive(['<', '>', ',', ' ']) {
        text.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that can't go on should say so by panicking")]
mod tests {
    use mailglass::DeliveryChanges;
    use mailglass::projection::{Fact, fold};
    use serde_json::{Value, json};

    use super::*;

    fn of<'a>(columns: &'a [Known], name: &str) -> &'a ColumnFacts {
        &columns.iter().find(|(column, _)| *column == name).unwrap().1
    }

    #[test]
    fn types_are_those_of_the_models_without_their_paths() {
        let columns = events();
        let reason = of(&columns, "reject_reason");
        assert_eq!(reason.rust_type.as_deref(), Some("Option<RejectReason>"));
        assert_eq!(reason.diesel_type, "Nullable<MailglassRejectReason>");
        assert_eq!(of(&columns, "occurred_at").rust_type.as_deref(), Some("DateTime<Utc>"));
        assert_eq!(of(&columns, "type").field.as_deref(), Some("Event::type_"));
    }

    #[test]
    fn the_projections_columns_are_those_that_the_fold_makes() {
        let fact = Fact {
            event_type: mailglass::EventType::Queued,
            occurred_at: chrono::DateTime::UNIX_EPOCH,
        };
        let mut folded: Vec<&str> = fold([fact]).unwrap().columns().iter().map(|column| column.0).collect();
        let columns = deliveries();
        let projected = columns
            .iter()
            .filter(|(_, facts)| facts.written_by == Writer::Projection);
        let mut projected: Vec<&str> = projected.map(|(name, _)| *name).collect();
        folded.sort_unstable();
        projected.sort_unstable();
        assert_eq!(projected, folded);
    }

    /// An application can change exactly the columns that `DeliveryChanges` accepts.
    #[test]
    fn a_column_changes_on_update_where_an_update_can_name_it() {
        for (name, known) in deliveries() {
            let value = if name == "metadata" { json!({}) } else { Value::Null };
            let is_taken = DeliveryChanges::from_attrs(json!({ name: value })).is_ok();
            assert_eq!(is_taken, known.changes == Changes::OnUpdate, "{name}");
        }
    }
}
