-- a statement of update.sql

-- a statement of find.sql
