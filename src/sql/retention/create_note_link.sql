CREATE FUNCTION mailglass_cut_note_link() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO :schema.mailglass_cut_arrivals (event_id, delivery_id) VALUES (NEW.event_id, NEW.delivery_id);
    RETURN NULL;
END;
$$
