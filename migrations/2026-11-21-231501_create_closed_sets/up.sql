-- The closed sets. `api_stability.md` promises their labels and order. Later migrations add labels; this one never changes.
-- No name has a schema: all objects are created in the first schema of `search_path`.

CREATE TYPE mailglass_stream AS ENUM (
    'transactional',
    'operational',
    'bulk'
);

COMMENT ON TYPE mailglass_stream IS
    'The purpose of a message, which decides how it may be sent: transactional, operational or bulk.';

-- Anymail's normalized event types in Anymail's order, and two of Mailglass.
CREATE TYPE mailglass_event_type AS ENUM (
    'queued',
    'sent',
    'rejected',
    'failed',
    'bounced',
    'deferred',
    'delivered',
    'autoresponded',
    'opened',
    'clicked',
    'complained',
    'unsubscribed',
    'subscribed',
    'unknown',
    'dispatched',
    'suppressed'
);

COMMENT ON TYPE mailglass_event_type IS
    'What happened to a message: Anymail''s normalized event types, and dispatched and suppressed of Mailglass.';

CREATE TYPE mailglass_reject_reason AS ENUM (
    'invalid',
    'bounced',
    'timed_out',
    'blocked',
    'spam',
    'unsubscribed',
    'other'
);

COMMENT ON TYPE mailglass_reject_reason IS
    'Why a message was rejected or bounced: Anymail''s normalized reject reasons.';

CREATE TYPE mailglass_delivery_status AS ENUM (
    'queued',
    'sent',
    'dispatched',
    'failed',
    'suppressed'
);

COMMENT ON TYPE mailglass_delivery_status IS
    'The progress of a delivery. The projection ranks queued < dispatched < sent < failed < suppressed, which is not the order of the labels.';

-- The scopes of the Elixir library, in its order.
CREATE TYPE mailglass_suppression_scope AS ENUM (
    'address',
    'domain',
    'address_stream'
);

COMMENT ON TYPE mailglass_suppression_scope IS
    'What a suppression covers: an address, a domain, or an address in one stream.';

-- The reasons of the Elixir library, in its order, and one of this crate.
CREATE TYPE mailglass_suppression_reason AS ENUM (
    'hard_bounce',
    'complaint',
    'unsubscribe',
    'manual',
    'policy',
    'invalid_recipient',
    'soft_bounce'
);

COMMENT ON TYPE mailglass_suppression_reason IS
    'Why no mail is sent to a recipient.';
