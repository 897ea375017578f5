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

    #[derive(diesel::query_builder::QueryId, Clone, Copy, Debug, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "mailglass_suppression_reason"))]
    pub struct MailglassSuppressionReason;

    #[derive(diesel::query_builder::QueryId, Clone, Copy, Debug, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "mailglass_suppression_scope"))]
    pub struct MailglassSuppressionScope;
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MailglassStream;
    use super::sql_types::MailglassEventType;
    use super::sql_types::MailglassDeliveryStatus;

    /// One row per (message, recipient, provider), with its current state, computed from mailglass_events. Rows change.
    mailglass_deliveries (id) {
        /// A UUIDv7 that the client generates.
        id -> Uuid,
        /// The tenant that owns the delivery. No read and no link crosses tenants.
        tenant_id -> Text,
        /// The application's name for this kind of message, such as "welcome" or "invoice.v2".
        mailable -> Text,
        /// The purpose of the message.
        stream -> MailglassStream,
        /// The bare address, such as ann@example.com, exactly as given. Personal data.
        recipient -> Text,
        /// The part of recipient after its last @, with its ASCII letters in lower case.
        recipient_domain -> Text,
        /// The provider that accepted the message, such as "sendgrid"; NULL if it is not known.
        provider -> Nullable<Text>,
        /// The provider's id of the message; NULL if it is not known.
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
        /// The application's JSON object.
        metadata -> Jsonb,
        /// Optimistic lock: 1 for a new row, incremented by every change. After 2147483647 it starts again at 1.
        lock_version -> Int4,
        /// Makes inserts idempotent: inserting the same key again returns the existing row. Unique across all tenants.
        idempotency_key -> Nullable<Text>,
        /// Projection: the highest status that any event reached, ranked queued < dispatched < sent < failed < suppressed.
        status -> MailglassDeliveryStatus,
        /// The error of the last failed attempt to send, as a JSON object.
        last_error -> Nullable<Jsonb>,
        /// When the row was inserted, by the server's clock.
        inserted_at -> Timestamptz,
        /// When the row last changed, by the server's clock.
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    /// One row per erasure of a person: when, and how many rows of each table. It does not say who.
    mailglass_erasures (id) {
        /// A UUIDv7 that the client generates.
        id -> Uuid,
        /// The tenant whose data about the person was erased.
        tenant_id -> Text,
        /// How many deliveries got a pseudonym instead of the recipient.
        deliveries -> Int8,
        /// How many rows of mailglass_event_details were deleted.
        event_details -> Int8,
        /// In how many rows of mailglass_event_links the recipient was cleared.
        event_links -> Int8,
        /// From how many suppressions the address was removed. They keep its digest, and so stay in force.
        suppressions -> Int8,
        /// Whether the deliveries keep their recipient_domain.
        domain_kept -> Bool,
        /// When the person was erased, by the server's clock.
        erased_at -> Timestamptz,
    }
}

diesel::table! {
    /// What an event says about a person, if anything: one row per event at most. Rows are erased with the person, and expire.
    mailglass_event_details (event_id) {
        /// The event: logical reference to mailglass_events.id.
        event_id -> Uuid,
        /// The tenant of the event.
        tenant_id -> Text,
        /// The recipient that the event names, if it names no delivery and no provider message by which the recipient can be found. Personal data.
        recipient -> Nullable<Text>,
        /// Details as a JSON object: description, mta_response, ip_address, user_agent, click_url, other. Personal data.
        data -> Jsonb,
        /// When the event was appended, by the server's clock. The details expire by it.
        inserted_at -> Timestamptz,
    }
}

diesel::table! {
    /// One row per orphan: an event that had to wait for its delivery when it was appended. It is pending until the reconciler links it, or until it expires.
    mailglass_event_links (event_id) {
        /// The event: logical reference to mailglass_events.id.
        event_id -> Uuid,
        /// The tenant of the event. No link crosses tenants.
        tenant_id -> Text,
        /// The delivery that the event is linked to: logical reference to mailglass_deliveries.id. NULL unless linked.
        delivery_id -> Nullable<Uuid>,
        /// The id of the delivery that the event names, if any.
        named_delivery_id -> Nullable<Uuid>,
        /// The provider that the event names.
        provider -> Nullable<Text>,
        /// The provider message id that the event names.
        provider_message_id -> Nullable<Text>,
        /// The recipient that the event names, compared regardless of the case of ASCII letters; NULL matches any. Cleared when the event is linked. Personal data.
        recipient -> Nullable<Text>,
        /// Why it waits, or waited when it was linked or expired: no_delivery, ambiguous (several deliveries match), malformed (it names no delivery, or a provider message without its provider or not as text) or unread (another application appended it, and no sweep has read it yet).
        waiting_reason -> Text,
        /// When the event was appended, by the server's clock.
        inserted_at -> Timestamptz,
        /// When a sweep last searched for its delivery; at first, when it was appended.
        checked_at -> Timestamptz,
        /// When it was linked; NULL unless linked.
        linked_at -> Nullable<Timestamptz>,
        /// When it expired; NULL unless expired.
        expired_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MailglassEventType;
    use super::sql_types::MailglassRejectReason;

    /// Append-only ledger: one row per event. Triggers reject every change with SQLSTATE 45A01.
    mailglass_events (id) {
        /// A UUIDv7 that the client generates when it appends.
        id -> Uuid,
        /// The tenant that owns the event.
        tenant_id -> Text,
        /// Logical reference to mailglass_deliveries.id, without a foreign key. NULL for an orphan that names a provider message (see mailglass_event_links) and for an event without a delivery.
        delivery_id -> Nullable<Uuid>,
        /// What happened.
        #[sql_name = "type"]
        type_ -> MailglassEventType,
        /// When it happened, by the clock of the system that reports it.
        occurred_at -> Timestamptz,
        /// Makes appends idempotent: appending the same key again returns the existing event. Unique across all tenants.
        idempotency_key -> Nullable<Text>,
        /// Why it was rejected or bounced, if the provider reports it.
        reject_reason -> Nullable<MailglassRejectReason>,
        /// The provider's report as a JSON object, normalized by the application. May contain personal data.
        normalized_payload -> Jsonb,
        /// The application's JSON object. The keys provider, provider_message_id and recipient identify the delivery.
        metadata -> Jsonb,
        /// Correlates the event with the request or job that recorded it. Replays do not compare it.
        trace_id -> Nullable<Text>,
        /// Whether the event had to wait for its delivery when it was appended. Never cleared; mailglass_event_links has whether it is linked.
        needs_reconciliation -> Bool,
        /// When the event was appended, by the server's clock.
        inserted_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MailglassStream;

    /// One row per delivery that waits to be sent. The row is deleted when the delivery is dispatched, failed or suppressed.
    mailglass_outbox (delivery_id) {
        /// The delivery: logical reference to mailglass_deliveries.id.
        delivery_id -> Uuid,
        /// The tenant of the delivery.
        tenant_id -> Text,
        /// The stream of the delivery. Claims take transactional before operational before bulk.
        stream -> MailglassStream,
        /// The recipient domain of the delivery, for limits.
        recipient_domain -> Text,
        /// When the delivery may be claimed. While it is leased, this is when the lease expires. While it is held, this is when it is next compared with its delivery.
        available_at -> Timestamptz,
        /// How many attempts to send have begun.
        attempts -> Int4,
        /// The state of the last attempt: none, begun, ended (it failed and is to be repeated) or unknown (the worker that began it lost its lease).
        last_attempt -> Text,
        /// The claim that holds the row; NULL if it is not leased.
        lease_id -> Nullable<Uuid>,
        /// The worker that holds the lease, by the name that it gave.
        worker -> Nullable<Text>,
        /// Since when the row is held: it is not sent until somebody decides, or an event proves that it was sent.
        held_at -> Nullable<Timestamptz>,
        /// When the row was inserted, by the server's clock.
        inserted_at -> Timestamptz,
        /// The rank of the stream: 1 transactional, 2 operational, 3 bulk.
        stream_rank -> Int2,
        /// A hash of the tenant, so that claims can begin at a random tenant.
        tenant_hash -> Int4,
    }
}

diesel::table! {
    /// How many deliveries were claimed in a window of time, for claims with limits. Rows of earlier windows are reused or deleted.
    mailglass_outbox_usage (tenant_id, recipient_domain, window_seconds) {
        /// The tenant whose deliveries are counted.
        tenant_id -> Text,
        /// The recipient domain whose deliveries are counted; empty for all of the tenant's deliveries.
        recipient_domain -> Text,
        /// The length of the window in seconds.
        window_seconds -> Int4,
        /// The end of the window that is counted: a multiple of its length since 1970.
        window_ends_at -> Timestamptz,
        /// How many deliveries were claimed in the window.
        claims -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MailglassSuppressionScope;
    use super::sql_types::MailglassStream;
    use super::sql_types::MailglassSuppressionReason;

    /// Recipients that get no mail: one row per scope, address or domain, and reason.
    mailglass_suppressions (id) {
        /// A UUIDv7 that the client generates.
        id -> Uuid,
        /// The tenant that does not send.
        tenant_id -> Text,
        /// What is suppressed: an address, a domain, or an address in one stream.
        scope -> MailglassSuppressionScope,
        /// The stream, if the scope is address_stream; NULL otherwise.
        stream -> Nullable<MailglassStream>,
        /// SHA-256 of the tenant and the folded address or domain, as UTF-8: the number of bytes of tenant_id, ":", tenant_id, ":", the address with its ASCII letters in lower case.
        digest -> Bytea,
        /// The address or domain as it was given; NULL if it is not kept, or was erased. Personal data.
        address -> Nullable<Text>,
        /// Why no mail is sent.
        reason -> MailglassSuppressionReason,
        /// The event that caused it: logical reference to mailglass_events.id; NULL if none did.
        source_event_id -> Nullable<Uuid>,
        /// Since when no mail is sent.
        since -> Timestamptz,
        /// Until when no mail is sent; NULL if it is permanent.
        until -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    mailglass_deliveries,
    mailglass_erasures,
    mailglass_event_details,
    mailglass_event_links,
    mailglass_events,
    mailglass_outbox,
    mailglass_outbox_usage,
    mailglass_suppressions,
);
