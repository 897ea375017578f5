-- FOR EACH ROW and, by the next statement, ENABLE ALWAYS: a subscription fires no statement triggers, and no others.
CREATE TRIGGER mailglass_cut_note_trigger
    AFTER INSERT ON mailglass_events
    FOR EACH ROW EXECUTE FUNCTION mailglass_cut_note_event()
