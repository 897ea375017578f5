-- SECURITY DEFINER: a role that records has no right to write the tables of the cut.
CREATE FUNCTION mailglass_cut_note_event() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO :schema.mailglass_cut_arrivals (event_id, delivery_id) VALUES (NEW.id, NEW.delivery_id);
    RETURN NULL;
END;
$$
