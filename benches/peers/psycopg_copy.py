"""psycopg's COPY."""

import sys

import psycopg
from psycopg.types.json import Jsonb
from webhooks import answer

COPY = """
    COPY mailglass_events (
        id, tenant_id, delivery_id, type, occurred_at, idempotency_key, normalized_payload, metadata, needs_reconciliation
    ) FROM STDIN"""


def prepare(rows):
    return [
        tuple(Jsonb(value) if isinstance(value, dict) else value for value in row.values())
        for row in rows
    ]


def insert(rows):
    with connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for row in rows:
            copy.write_row(row)
    connection.commit()


with psycopg.connect(sys.argv[1]) as connection:
    answer(prepare, insert)
