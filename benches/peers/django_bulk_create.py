"""Django's bulk_create(ignore_conflicts=True)."""

import sys

import django
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict
from webhooks import answer

url = conninfo_to_dict(sys.argv[1])
settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url["dbname"],
            "HOST": url.get("host", ""),
            "PORT": url.get("port", ""),
            "USER": url.get("user", ""),
            "PASSWORD": url.get("password", ""),
        }
    },
    USE_TZ=True,
)
django.setup()

from django.db import models  # noqa: E402: the models need the settings


class EventType(models.CharField):
    def db_type(self, connection):
        return "mailglass_event_type"


class Event(models.Model):
    id = models.UUIDField(primary_key=True)
    tenant_id = models.TextField()
    delivery_id = models.UUIDField(null=True)
    type = EventType()
    occurred_at = models.DateTimeField()
    idempotency_key = models.TextField(null=True)
    normalized_payload = models.JSONField()
    metadata = models.JSONField()
    needs_reconciliation = models.BooleanField()

    class Meta:
        app_label = "peers"
        db_table = "mailglass_events"
        managed = False


def prepare(rows):
    return [Event(**row) for row in rows]


def insert(events):
    Event.objects.bulk_create(events, ignore_conflicts=True)


answer(prepare, insert)
