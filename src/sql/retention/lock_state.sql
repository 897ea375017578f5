-- Locks the state of the cut, so that two processes take turns.
SELECT only_one FROM mailglass_cut FOR UPDATE
