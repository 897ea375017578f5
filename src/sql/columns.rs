//! The columns of the tables, named once.

use diesel::{Column, Table};

use crate::schema::{mailglass_deliveries, mailglass_events, mailglass_suppressions};

/// The columns of a table in its order. It compiles only if none is missing, and none is misplaced.
macro_rules! columns {
    ($name:ident = $table:ident { $($column:ident),* $(,)? }) => {
        pub(super) const $name: &[&str] = {
            const _: <$table::table as Table>::AllColumns = ($($table::$column),*);
            &[$(<$table::$column as Column>::NAME),*]
        };
    };
}

columns!(
    EVENTS = mailglass_events {
        id,
        tenant_id,
        delivery_id,
        type_,
        occurred_at,
        idempotency_key,
        reject_reason,
        normalized_payload,
        metadata,
        trace_id,
        needs_reconciliation,
        inserted_at,
    }
);

columns!(
    DELIVERIES = mailglass_deliveries {
        id,
        tenant_id,
        mailable,
        stream,
        recipient,
        recipient_domain,
        provider,
        provider_message_id,
        last_event_type,
        last_event_at,
        terminal,
        dispatched_at,
        delivered_at,
        bounced_at,
        complained_at,
        suppressed_at,
        metadata,
        lock_version,
        idempotency_key,
        status,
        last_error,
        inserted_at,
        updated_at,
    }
);

columns!(
    SUPPRESSIONS = mailglass_suppressions {
        id,
        tenant_id,
        scope,
        stream,
        digest,
        address,
        reason,
        source_event_id,
        since,
        until,
    }
);
