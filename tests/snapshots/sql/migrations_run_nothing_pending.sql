-- a statement of migrations_list.sql

SELECT version::text FROM __diesel_schema_migrations;
