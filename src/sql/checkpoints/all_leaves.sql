-- Reads `leaves` and `kept_leaves`. Makes `all_leaves`: the leaves of both, each once, because a kept table may also have the
-- events that remain.
all_leaves AS (
    SELECT slice, leaf FROM leaves
    UNION
    SELECT slice, leaf FROM kept_leaves
)
