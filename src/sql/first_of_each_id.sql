-- Reads `batch`. Makes `input` (or `unchecked`): the first of several rows with the same id. Event ids ascend within a batch.
:input AS (
    SELECT DISTINCT ON (id) *
    FROM batch
    ORDER BY id, event_id
)
