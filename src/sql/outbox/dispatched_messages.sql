-- Reads `locked`. Makes `dispatched`: the deliveries that learn their messages, for early_links.sql.
dispatched AS (
    SELECT delivery_id, tenant_id, provider, provider_message_id, (found).recipient
    FROM locked
    WHERE is_new
)
