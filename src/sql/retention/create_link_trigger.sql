-- A link that is completed makes its event a fact of a delivery.
CREATE TRIGGER mailglass_cut_note_trigger
    AFTER INSERT OR UPDATE ON mailglass_event_links
    FOR EACH ROW
    WHEN (NEW.delivery_id IS NOT NULL)
    EXECUTE FUNCTION mailglass_cut_note_link()
