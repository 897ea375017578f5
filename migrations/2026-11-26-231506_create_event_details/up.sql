-- What an event says about a person. It is apart from the ledger, which never changes, so that it can be erased and expire. Few
-- queries read it, and an event without details has no row.

CREATE TABLE mailglass_event_details (
    -- No foreign key: as for the links.
    event_id    uuid        NOT NULL,
    tenant_id   text        NOT NULL,
    recipient   text,
    data        jsonb       NOT NULL DEFAULT '{}',
    inserted_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mailglass_event_details_pkey
        PRIMARY KEY (event_id),
    CONSTRAINT mailglass_event_details_tenant_id_is_not_empty
        CHECK (tenant_id <> ''),
    CONSTRAINT mailglass_event_details_data_is_object
        CHECK (jsonb_typeof(data) = 'object')
);

-- The details that expire next.
CREATE INDEX mailglass_event_details_inserted_at_idx
    ON mailglass_event_details (inserted_at);

-- The details of events that name a recipient but no delivery, for erasing and exporting a person.
CREATE INDEX mailglass_event_details_tenant_recipient_idx
    ON mailglass_event_details (tenant_id, lower(recipient COLLATE "C"))
    WHERE recipient IS NOT NULL;

COMMENT ON TABLE mailglass_event_details IS
    'What an event says about a person, if anything: one row per event at most. Rows are erased with the person, and expire.';
COMMENT ON COLUMN mailglass_event_details.event_id IS
    'The event: logical reference to mailglass_events.id.';
COMMENT ON COLUMN mailglass_event_details.tenant_id IS
    'The tenant of the event.';
COMMENT ON COLUMN mailglass_event_details.recipient IS
    'The recipient that the event names, if it names no delivery and no provider message by which the recipient can be found. Personal data.';
COMMENT ON COLUMN mailglass_event_details.data IS
    'Details as a JSON object: description, mta_response, ip_address, user_agent, click_url, other. Personal data.';
COMMENT ON COLUMN mailglass_event_details.inserted_at IS
    'When the event was appended, by the server''s clock. The details expire by it.';
