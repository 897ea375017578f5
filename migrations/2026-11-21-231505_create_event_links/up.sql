-- Orphans: events that arrived before their delivery, and the deliveries that they were linked to. They have a table of their
-- own, so that linking never changes an event and a sweep reads only pending rows. A link has a copy of what the event names, so
-- that a sweep reads the ledger only for the events that it links.

CREATE TABLE mailglass_event_links (
    -- No foreign keys: with one to mailglass_events, a TRUNCATE of the ledger would fail before the guard can reject it; and
    -- links are kept when their delivery is deleted.
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

-- The queue of the sweep, least recently checked first. Orphans that can't be linked yet move to its end, so that a sweep with a
-- limit reaches every orphan in turn.
CREATE INDEX mailglass_event_links_pending_idx
    ON mailglass_event_links (checked_at)
    WHERE linked_at IS NULL AND expired_at IS NULL;

-- The same queue for a sweep of one tenant.
CREATE INDEX mailglass_event_links_tenant_pending_idx
    ON mailglass_event_links (tenant_id, checked_at)
    WHERE linked_at IS NULL AND expired_at IS NULL;

-- The events that wait for a provider message, for the delivery that gets its id. Linked and expired events are not in the index.
-- A link is linked if it has a delivery. With linked_at instead, the planner may read the whole queue of the sweep for a message.
CREATE INDEX mailglass_event_links_pending_message_idx
    ON mailglass_event_links (provider, provider_message_id)
    WHERE provider_message_id IS NOT NULL AND delivery_id IS NULL AND expired_at IS NULL;

-- The linked events of a delivery, for timelines and rebuilds.
CREATE INDEX mailglass_event_links_delivery_idx
    ON mailglass_event_links (delivery_id)
    WHERE delivery_id IS NOT NULL;

-- The expired orphans, latest first. Other rows are not in the index, so they cost nothing.
CREATE INDEX mailglass_event_links_expired_idx
    ON mailglass_event_links (tenant_id, expired_at DESC)
    WHERE expired_at IS NOT NULL;

-- Events that other applications appended, until the next sweep reads them.
CREATE INDEX mailglass_event_links_unread_idx
    ON mailglass_event_links (tenant_id, event_id)
    WHERE waiting_reason = 'unread';

-- Orphans that another application appends, such as an Elixir one, are inserted as unread: only the crate knows which keys of a
-- payload name a delivery. AFTER: by then, the link that an append of this crate writes in the same statement exists, and this
-- insert is skipped. Not ALWAYS: a replica receives both rows from its origin.
-- Citus fires the trigger on a worker, whose session does not have the application's search_path. The second INSERT finds the table
-- nevertheless, but it is planned for each event; the first one is planned once.
CREATE FUNCTION mailglass_await_reconciliation() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF pg_catalog.to_regclass('mailglass_event_links') OPERATOR(pg_catalog.=) pg_catalog.to_regclass(
        pg_catalog.concat(pg_catalog.quote_ident(TG_TABLE_SCHEMA), '.mailglass_event_links')
    ) THEN
        INSERT INTO mailglass_event_links (event_id, tenant_id, named_delivery_id, waiting_reason)
        VALUES (NEW.id, NEW.tenant_id, NEW.delivery_id, 'unread')
        ON CONFLICT DO NOTHING;
    ELSE
        EXECUTE pg_catalog.format(
            'INSERT INTO %I.mailglass_event_links (event_id, tenant_id, named_delivery_id, waiting_reason)
             VALUES ($1, $2, $3, ''unread'')
             ON CONFLICT DO NOTHING',
            TG_TABLE_SCHEMA
        ) USING NEW.id, NEW.tenant_id, NEW.delivery_id;
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION mailglass_await_reconciliation() IS
    'Inserts a link for an event that needs reconciliation, unless the append inserts it.';

CREATE TRIGGER mailglass_events_await_reconciliation_trigger
    AFTER INSERT ON mailglass_events
    FOR EACH ROW
    WHEN (NEW.needs_reconciliation)
    EXECUTE FUNCTION mailglass_await_reconciliation();

COMMENT ON TRIGGER mailglass_events_await_reconciliation_trigger ON mailglass_events IS
    'Inserts a link for an orphan that another application appends.';

-- A completed link is final, because it makes the event a fact of its delivery. The columns that identify the event, its tenant
-- and its delivery can't change; the others can, so that personal data can be erased.
CREATE FUNCTION mailglass_raise_link_is_final() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '45A01',
        MESSAGE = format('event %s is linked to delivery %s: a completed link is final', OLD.event_id, OLD.delivery_id),
        DETAIL = 'mailglass:link_is_final',
        CONSTRAINT = TG_NAME,
        TABLE = TG_TABLE_NAME,
        SCHEMA = TG_TABLE_SCHEMA;
END;
$$;

COMMENT ON FUNCTION mailglass_raise_link_is_final() IS
    'Rejects changes to a completed link with SQLSTATE 45A01.';

CREATE TRIGGER mailglass_event_links_final_trigger
    BEFORE UPDATE ON mailglass_event_links
    FOR EACH ROW
    WHEN (
        OLD.delivery_id IS NOT NULL
        AND (OLD.event_id, OLD.tenant_id, OLD.delivery_id) IS DISTINCT FROM (NEW.event_id, NEW.tenant_id, NEW.delivery_id)
    )
    EXECUTE FUNCTION mailglass_raise_link_is_final();

-- ALWAYS: as the guard of the ledger.
ALTER TABLE mailglass_event_links ENABLE ALWAYS TRIGGER mailglass_event_links_final_trigger;

COMMENT ON TRIGGER mailglass_event_links_final_trigger ON mailglass_event_links IS
    'Rejects changes to a completed link.';

COMMENT ON TABLE mailglass_event_links IS
    'One row per orphan: an event that had to wait for its delivery when it was appended. It is pending until the reconciler links it, or until it expires.';
COMMENT ON COLUMN mailglass_event_links.event_id IS
    'The event: logical reference to mailglass_events.id.';
COMMENT ON COLUMN mailglass_event_links.tenant_id IS
    'The tenant of the event. No link crosses tenants.';
COMMENT ON COLUMN mailglass_event_links.delivery_id IS
    'The delivery that the event is linked to: logical reference to mailglass_deliveries.id. NULL unless linked.';
COMMENT ON COLUMN mailglass_event_links.named_delivery_id IS
    'The id of the delivery that the event names, if any.';
COMMENT ON COLUMN mailglass_event_links.provider IS
    'The provider that the event names.';
COMMENT ON COLUMN mailglass_event_links.provider_message_id IS
    'The provider message id that the event names.';
COMMENT ON COLUMN mailglass_event_links.recipient IS
    'The recipient that the event names, compared regardless of the case of ASCII letters; NULL matches any. Cleared when the event is linked. Personal data.';
COMMENT ON COLUMN mailglass_event_links.waiting_reason IS
    'Why it waits, or waited when it was linked or expired: no_delivery, ambiguous (several deliveries match), malformed (it names no delivery, or a provider message without its provider or not as text) or unread (another application appended it, and no sweep has read it yet).';
COMMENT ON COLUMN mailglass_event_links.inserted_at IS
    'When the event was appended, by the server''s clock.';
COMMENT ON COLUMN mailglass_event_links.checked_at IS
    'When a sweep last searched for its delivery; at first, when it was appended.';
COMMENT ON COLUMN mailglass_event_links.linked_at IS
    'When it was linked; NULL unless linked.';
COMMENT ON COLUMN mailglass_event_links.expired_at IS
    'When it expired; NULL unless expired.';
