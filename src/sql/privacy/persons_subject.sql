-- Reads `person`. Makes `subjects`: the address, for its digest.
subjects AS (
    SELECT tenant_id, recipient AS address
    FROM person
)
