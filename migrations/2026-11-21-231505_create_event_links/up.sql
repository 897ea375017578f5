-- Where an event that arrived before its delivery waits, and what it was linked to in the end. A row of its own, so
-- that linking never touches the event, and so that a sweep reads what is pending and nothing else.

CREATE TABLE mailglass_event_links (
    -- No foreign keys: one to mailglass_events would answer a TRUNCATE of the ledger before the guard could, and a
    -- delivery may be deleted while the history of its links stays.
    event_id            uuid        NOT NULL,
    tenant_id           text        NOT NULL,
    delivery_id         uuid,
    named_delivery_id   uuid,
    provider            text,
    provider_message_id text,
    recipient           text,
    waiting_reason      text        NOT NULL,
    inserted_at         timestamptz NOT NULL DEFAULT now(),
    checked_at          timestamptz NOT NULL DEFAULT now(),
    linked_at           timestamptz,
    expired_at          timestamptz,
    CONSTRAINT mailglass_event_links_pkey
        PRIMARY KEY (event_id),
    CONSTRAINT mailglass_event_links_delivery_id_iff_linked
        CHECK ((delivery_id IS NULL) = (linked_at IS NULL)),
    CONSTRAINT mailglass_event_links_not_both_linked_and_expired
        CHECK (linked_at IS NULL OR expired_at IS NULL),
    CONSTRAINT mailglass_event_links_waiting_reason_is_known
        CHECK (waiting_reason IN ('unread', 'no_delivery', 'ambiguous', 'malformed'))
);

-- The queue that a sweep takes from, least recently checked first: orphans that can't be linked yet go to the back, so
-- they never starve the others behind the sweep's limit.
CREATE INDEX mailglass_event_links_pending_idx
    ON mailglass_event_links (checked_at)
    WHERE linked_at IS NULL AND expired_at IS NULL;

-- The same queue for a sweep of one tenant.
CREATE INDEX mailglass_event_links_tenant_pending_idx
    ON mailglass_event_links (tenant_id, checked_at)
    WHERE linked_at IS NULL AND expired_at IS NULL;

-- The linked part of a delivery's timeline.
CREATE INDEX mailglass_event_links_delivery_idx
    ON mailglass_event_links (delivery_id)
    WHERE delivery_id IS NOT NULL;

-- What was given up, the latest first. It holds nothing else, so it costs a link nothing until it expires.
CREATE INDEX mailglass_event_links_expired_idx
    ON mailglass_event_links (tenant_id, expired_at DESC)
    WHERE expired_at IS NOT NULL;

-- What others appended, until the next sweep reads it.
CREATE INDEX mailglass_event_links_unread_idx
    ON mailglass_event_links (tenant_id, event_id)
    WHERE waiting_reason = 'unread';

-- An event that somebody else appends, such as an Elixir application, waits here as well. It is unread: only the crate knows
-- which keys of a payload name a delivery. AFTER, so that the link that an append of the crate's own writes in the same
-- statement is there by then, and this one is skipped. Not ALWAYS: a replica gets both rows from its origin.
CREATE FUNCTION mailglass_await_reconciliation() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO mailglass_event_links (event_id, tenant_id, named_delivery_id, waiting_reason)
    VALUES (NEW.id, NEW.tenant_id, NEW.delivery_id, 'unread')
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION mailglass_await_reconciliation() IS
    'Lets an event that needs reconciliation wait in mailglass_event_links, unless whoever appends it sees to that.';

CREATE TRIGGER mailglass_events_await_reconciliation_trigger
    AFTER INSERT ON mailglass_events
    FOR EACH ROW
    WHEN (NEW.needs_reconciliation)
    EXECUTE FUNCTION mailglass_await_reconciliation();

COMMENT ON TRIGGER mailglass_events_await_reconciliation_trigger ON mailglass_events IS
    'Lets an event of others wait for its delivery.';

-- A completed link never changes: it says whose fact an event is. The columns that place the event are frozen; erasing what
-- the link says about a person stays possible.
CREATE FUNCTION mailglass_raise_link_is_final() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '45A01',
        MESSAGE = format('event %s is linked to delivery %s: a completed link never changes', OLD.event_id, OLD.delivery_id),
        DETAIL = 'mailglass:link_is_final',
        CONSTRAINT = TG_NAME,
        TABLE = TG_TABLE_NAME,
        SCHEMA = TG_TABLE_SCHEMA;
END;
$$;

COMMENT ON FUNCTION mailglass_raise_link_is_final() IS
    'Refuses to move a linked event with SQLSTATE 45A01.';

CREATE TRIGGER mailglass_event_links_final_trigger
    BEFORE UPDATE ON mailglass_event_links
    FOR EACH ROW
    WHEN (
        OLD.delivery_id IS NOT NULL
        AND (OLD.event_id, OLD.tenant_id, OLD.delivery_id) IS DISTINCT FROM (NEW.event_id, NEW.tenant_id, NEW.delivery_id)
    )
    EXECUTE FUNCTION mailglass_raise_link_is_final();

-- ALWAYS: see the guard of the ledger.
ALTER TABLE mailglass_event_links ENABLE ALWAYS TRIGGER mailglass_event_links_final_trigger;

COMMENT ON TRIGGER mailglass_event_links_final_trigger ON mailglass_event_links IS
    'Refuses to move a linked event.';

COMMENT ON TABLE mailglass_event_links IS
    'One row per event whose delivery was missing or ambiguous when it was appended: pending, then linked by the reconciler or expired.';
COMMENT ON COLUMN mailglass_event_links.event_id IS
    'The waiting event: logical reference to mailglass_events.id.';
COMMENT ON COLUMN mailglass_event_links.tenant_id IS
    'The event''s tenant. A link never leaves it.';
COMMENT ON COLUMN mailglass_event_links.delivery_id IS
    'The delivery that the event was linked to: logical reference to mailglass_deliveries.id. NULL unless linked.';
COMMENT ON COLUMN mailglass_event_links.named_delivery_id IS
    'The delivery that the event names by id, if it does.';
COMMENT ON COLUMN mailglass_event_links.provider IS
    'The provider that the event names.';
COMMENT ON COLUMN mailglass_event_links.provider_message_id IS
    'The provider''s message id that the event names.';
COMMENT ON COLUMN mailglass_event_links.recipient IS
    'The recipient that the event names, compared without regard to the case of ASCII letters; NULL matches any. Personal data.';
COMMENT ON COLUMN mailglass_event_links.waiting_reason IS
    'Why it waits, or why it waited when it was linked or expired: no_delivery, ambiguous (several deliveries fit), malformed (names only half of a provider message) or unread (appended by others, and not looked at by a sweep yet).';
COMMENT ON COLUMN mailglass_event_links.inserted_at IS
    'When the event began to wait (the server''s clock).';
COMMENT ON COLUMN mailglass_event_links.checked_at IS
    'When a sweep last looked for its delivery; at first, when it began to wait.';
COMMENT ON COLUMN mailglass_event_links.linked_at IS
    'When it was linked; NULL unless linked.';
COMMENT ON COLUMN mailglass_event_links.expired_at IS
    'When a sweep gave it up for its age; NULL unless expired.';
