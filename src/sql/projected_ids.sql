SELECT id
FROM projected
