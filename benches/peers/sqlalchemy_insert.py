"""SQLAlchemy Core's insertmanyvalues with ON CONFLICT DO NOTHING."""

import sys

import psycopg
from sqlalchemy import Boolean, Column, DateTime, MetaData, Table, Text, Uuid, create_engine
from sqlalchemy.dialects.postgresql import ENUM, JSONB, insert as postgresql_insert
from webhooks import TYPES, answer

events = Table(
    "mailglass_events",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Text),
    Column("delivery_id", Uuid),
    Column("type", ENUM(*TYPES, name="mailglass_event_type", create_type=False)),
    Column("occurred_at", DateTime(timezone=True)),
    Column("idempotency_key", Text),
    Column("normalized_payload", JSONB),
    Column("metadata", JSONB),
    Column("needs_reconciliation", Boolean),
)
# With psycopg, a statement without RETURNING is executed once for each row instead.
STATEMENT = (
    postgresql_insert(events)
    .on_conflict_do_nothing(index_elements=["idempotency_key"], index_where=events.c.idempotency_key.is_not(None))
    .returning(events.c.id)
)

engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(sys.argv[1]))


def insert(rows):
    with engine.begin() as connection:
        connection.execute(STATEMENT, rows).all()


with engine.connect():
    answer(lambda rows: rows, insert)
