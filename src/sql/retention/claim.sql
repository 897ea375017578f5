-- Gives the owner of the ledger everything that a cut creates, so that each of its members can resume the cut, and revokes what
-- default privileges give to others: row-level security does not protect these tables.
DO $do$
DECLARE
    ledger_owner text := (
        SELECT pg_catalog.pg_get_userbyid(relowner)::text
        FROM pg_catalog.pg_class
        WHERE oid = pg_catalog.to_regclass('mailglass_events')
    );
    made text;
    grantee oid;
BEGIN
    FOREACH made IN ARRAY ARRAY[
        'mailglass_cut', 'mailglass_cut_arrivals', 'mailglass_cut_deliveries', 'mailglass_cut_events', 'mailglass_events_next'
    ] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %I OWNER TO %I', made, ledger_owner);
        FOR grantee IN
            SELECT DISTINCT acl.grantee
            FROM pg_catalog.pg_class
            CROSS JOIN LATERAL pg_catalog.aclexplode(relacl) AS acl
            WHERE pg_class.oid = pg_catalog.to_regclass(made) AND acl.grantee <> relowner
        LOOP
            EXECUTE pg_catalog.format(
                'REVOKE ALL ON %I FROM %s',
                made,
                CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)::text) END
            );
        END LOOP;
    END LOOP;
    FOREACH made IN ARRAY ARRAY['mailglass_cut_note_event', 'mailglass_cut_note_link'] LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %I() OWNER TO %I', made, ledger_owner);
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %I() FROM PUBLIC', made);
    END LOOP;
END
$do$
