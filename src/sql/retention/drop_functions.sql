DROP FUNCTION mailglass_cut_note_event(), mailglass_cut_note_link()
