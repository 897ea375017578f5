-- Deletes the links of the deliveries that leave, and those of the events that leave without a delivery. A join for each: with OR,
-- PostgreSQL would read one of the lists for each link if it does not fit into work_mem.
DELETE FROM mailglass_event_links AS link
USING (
    SELECT linked.event_id
    FROM mailglass_event_links AS linked
    JOIN mailglass_cut_deliveries AS leaving ON leaving.delivery_id = linked.delivery_id
    UNION
    SELECT leaving.event_id
    FROM mailglass_cut_events AS leaving
    JOIN mailglass_event_links AS linked ON linked.event_id = leaving.event_id
) AS gone
WHERE link.event_id = gone.event_id
