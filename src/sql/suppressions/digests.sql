-- Reads `subjects` (tenant_id, address, …). Makes `digested`: the same rows, each with the digest by which suppressions are
-- compared. This is the only place that computes it. The length separates the tenant from the address, whatever characters they have.
-- OFFSET 0: the digests are computed once for each row, and a policy of row-level security can't keep them out of an index condition.
digested AS (
    SELECT
        subjects.*,
        pg_catalog.sha256(
            pg_catalog.convert_to(
                pg_catalog.concat(
                    pg_catalog.octet_length(pg_catalog.convert_to(tenant_id, 'UTF8')), ':',
                    tenant_id, ':',
                    pg_catalog.lower(address COLLATE "C")
                ),
                'UTF8'
            )
        ) AS digest
    FROM subjects
    OFFSET 0
)
