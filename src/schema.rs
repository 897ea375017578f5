// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, Clone, Copy, Debug, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "mailglass_delivery_status"))]
    pub struct MailglassDeliveryStatus;

    #[derive(diesel::query_builder::QueryId, Clone, Copy, Debug, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "mailglass_event_type"))]
    pub struct MailglassEventType;

    #[derive(diesel::query_builder::QueryId, Clone, Copy, Debug, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "mailglass_reject_reason"))]
    pub struct MailglassRejectReason;

    #[derive(diesel::query_builder::QueryId, Clone, Copy, Debug, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "mailglass_stream"))]
    pub struct MailglassStream;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MailglassStream;
    use super::sql_types::MailglassEventType;
    use super::sql_types::MailglassDeliveryStatus;

    /// One row per (message, recipient, provider): what was sent to whom, and how it stands. State that changes; the facts behind it are in mailglass_events.
    mailglass_deliveries (id) {
        /// UUIDv7, made by the client.
        id -> Uuid,
        /// The tenant that owns the delivery. Every read and every link stays inside it.
        tenant_id -> Text,
        /// Which kind of message this is, in the application's own words, such as "welcome" or "invoice.v2".
        mailable -> Text,
        /// What the message is for.
        stream -> MailglassStream,
        /// The bare address, such as ann@example.com, as the application gave it. Personal data.
        recipient -> Text,
        /// What follows the last @ of recipient, its ASCII letters in lower case.
        recipient_domain -> Text,
        /// The provider that took the message, such as "sendgrid"; NULL until it is dispatched.
        provider -> Nullable<Text>,
        /// The provider's own id of the message; NULL until it is dispatched.
        provider_message_id -> Nullable<Text>,
        /// Projection: the type of the greatest event by (occurred_at, lifecycle rank).
        last_event_type -> MailglassEventType,
        /// Projection: occurred_at of the greatest event by (occurred_at, lifecycle rank).
        last_event_at -> Timestamptz,
        /// Projection: whether any event was terminal (delivered, bounced, complained, rejected, failed, suppressed).
        terminal -> Bool,
        /// Projection: the earliest occurred_at of a dispatched event.
        dispatched_at -> Nullable<Timestamptz>,
        /// Projection: the earliest occurred_at of a delivered event.
        delivered_at -> Nullable<Timestamptz>,
        /// Projection: the earliest occurred_at of a bounced event.
        bounced_at -> Nullable<Timestamptz>,
        /// Projection: the earliest occurred_at of a complained event.
        complained_at -> Nullable<Timestamptz>,
        /// Projection: the earliest occurred_at of a suppressed event.
        suppressed_at -> Nullable<Timestamptz>,
        /// The application's own JSON object.
        metadata -> Jsonb,
        /// Optimistic lock: 1 at birth, one more with every change of the row, whoever makes it. 1 follows 2147483647.
        lock_version -> Int4,
        /// Makes an enqueue replay-safe: the same key gives the row that is there already. Unique over all tenants.
        idempotency_key -> Nullable<Text>,
        /// Projection: the highest status that any event reached, ranked queued < dispatched < sent < failed < suppressed.
        status -> MailglassDeliveryStatus,
        /// What the last failed attempt to send said, as a JSON object.
        last_error -> Nullable<Jsonb>,
        /// When the row was inserted (the server's clock).
        inserted_at -> Timestamptz,
        /// When the row last changed (the server's clock).
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One row per event whose delivery was missing or ambiguous when it was appended: pending, then linked by the reconciler or expired.
    mailglass_event_links (event_id) {
        /// The waiting event: logical reference to mailglass_events.id.
        event_id -> Uuid,
        /// The event's tenant. A link never leaves it.
        tenant_id -> Text,
        /// The delivery that the event was linked to: logical reference to mailglass_deliveries.id. NULL unless linked.
        delivery_id -> Nullable<Uuid>,
        /// The delivery that the event names by id, if it does.
        named_delivery_id -> Nullable<Uuid>,
        /// The provider that the event names.
        provider -> Nullable<Text>,
        /// The provider's message id that the event names.
        provider_message_id -> Nullable<Text>,
        /// The recipient that the event names, compared without regard to the case of ASCII letters; NULL matches any. Personal data.
        recipient -> Nullable<Text>,
        /// Why it waits, or why it waited when it was linked or expired: no_delivery, ambiguous (several deliveries fit), malformed (names only half of a provider message) or unread (appended by others, and not looked at by a sweep yet).
        waiting_reason -> Text,
        /// When the event began to wait (the server's clock).
        inserted_at -> Timestamptz,
        /// When a sweep last looked for its delivery; at first, when it began to wait.
        checked_at -> Timestamptz,
        /// When it was linked; NULL unless linked.
        linked_at -> Nullable<Timestamptz>,
        /// When a sweep gave it up for its age; NULL unless expired.
        expired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MailglassEventType;
    use super::sql_types::MailglassRejectReason;

    /// Append-only ledger: one row per thing that happened. Triggers refuse every change with SQLSTATE 45A01.
    mailglass_events (id) {
        /// UUIDv7, made by the client when it appends.
        id -> Uuid,
        /// The tenant that owns the event.
        tenant_id -> Text,
        /// Logical reference to mailglass_deliveries.id, without a foreign key. NULL for an orphan (see mailglass_event_links) and for an event that is about no delivery.
        delivery_id -> Nullable<Uuid>,
        /// What happened.
        #[sql_name = "type"]
        type_ -> MailglassEventType,
        /// When it happened, by the clock of whoever reports it.
        occurred_at -> Timestamptz,
        /// Makes an append replay-safe: the same key gives the event that is there already. Unique over all tenants.
        idempotency_key -> Nullable<Text>,
        /// Why it was rejected or bounced, where the provider says.
        reject_reason -> Nullable<MailglassRejectReason>,
        /// What the provider reported, as a JSON object, normalized by the application. May hold personal data.
        normalized_payload -> Jsonb,
        /// The application's own JSON object. The keys provider, provider_message_id and recipient name the delivery.
        metadata -> Jsonb,
        /// Correlates the event with the request or job that recorded it. Not part of what a replay compares.
        trace_id -> Nullable<Text>,
        /// Whether the event's delivery was missing or ambiguous when it was appended. Never cleared: whether it is linked by now stands in mailglass_event_links.
        needs_reconciliation -> Bool,
        /// When the event was appended (the server's clock).
        inserted_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(mailglass_deliveries, mailglass_event_links, mailglass_events,);
