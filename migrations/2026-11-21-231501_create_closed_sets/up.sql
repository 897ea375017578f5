-- The closed sets. `api_stability.md` promises their labels and order; a label is added by a later migration, never by
-- an edit here. Names are unqualified throughout: everything lands in the schema that `search_path` puts first.

CREATE TYPE mailglass_stream AS ENUM (
    'transactional',
    'operational',
    'bulk'
);

COMMENT ON TYPE mailglass_stream IS
    'What a message is for, which decides how it may be sent: transactional, operational or bulk.';

-- Anymail's normalized tracking events in Anymail's order, then Mailglass's own two.
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
    'What happened to a message: Anymail''s normalized event types, and Mailglass''s own dispatched and suppressed.';

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
    'How far a delivery has come. The projection ranks queued < dispatched < sent < failed < suppressed, which is not the order of the labels.';
