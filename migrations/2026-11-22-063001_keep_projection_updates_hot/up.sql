-- Lets an update of the projection be HOT: no index holds what each event moves. Before, every event of a delivery wrote
-- a further entry into each of its seven indexes, because three of them held last_event_at; a batch of 1,000 events took
-- a sixth longer for it (docs/bench/README.md). PostgreSQL manual, "Database Physical Storage", "Heap-Only Tuples (HOT)".
--
-- "Recent" means recently inserted from here on, which is what rate limits and lists of deliveries ask for. The names
-- stay, because they are promised.

DROP INDEX mailglass_deliveries_tenant_recent_idx;
CREATE INDEX mailglass_deliveries_tenant_recent_idx
    ON mailglass_deliveries (tenant_id, inserted_at DESC);

-- What is still open in a stream. A delivery leaves it once, when it becomes terminal, so it stays as small as what is open.
DROP INDEX mailglass_deliveries_tenant_stream_terminal_idx;
CREATE INDEX mailglass_deliveries_tenant_stream_terminal_idx
    ON mailglass_deliveries (tenant_id, stream, inserted_at DESC)
    WHERE NOT terminal;

DROP INDEX mailglass_deliveries_tenant_recipient_domain_idx;
CREATE INDEX mailglass_deliveries_tenant_recipient_domain_idx
    ON mailglass_deliveries (tenant_id, recipient_domain, inserted_at DESC);

-- A new version of a row is only HOT on the page of the old one. Room for it is left when a page is filled; pruning then
-- makes room again and again. (Pages that are full already keep as they are, until VACUUM FULL or their rows go.)
ALTER TABLE mailglass_deliveries SET (fillfactor = 70);
