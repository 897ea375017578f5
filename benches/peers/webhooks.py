"""The values of the webhooks' events, as benches/ledger/webhook.rs makes them, and the loop that answers the benchmark.

Each line of the standard input has the number of the first event of a batch and the number of events. The answer is a line with
the seconds that the insert took, without the time to make its input.
"""

import os
import sys
import time
import uuid
from datetime import UTC, datetime, timedelta

TENANT = "acme"
PROVIDER = "sendgrid"
DELIVERIES = 5_000
TYPES = ["sent", "delivered", "opened", "clicked"]
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BEGIN = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=20_000)
MASK = (1 << 64) - 1


def mixed(number):
    """A number of splitmix64's sequence."""
    state = (number + 1) * 0x9E3779B97F4A7C15 & MASK
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB & MASK
    return state ^ (state >> 31)


def event_id(number):
    rest = mixed(2 * number) << 64 | mixed(2 * number + 1)
    digits = []
    for _ in range(22):
        rest, digit = divmod(rest, 62)
        digits.append(DIGITS[digit])
    return "".join(digits)


def uuid7():
    """A UUIDv7: the milliseconds, then random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10))
    return uuid.UUID(int=milliseconds << 80 | 7 << 76 | (random >> 68) << 64 | 2 << 62 | random & (1 << 62) - 1)


def row(number):
    """The columns of an event, by name."""
    delivery = mixed(number ^ 0x55555555) % DELIVERIES
    return {
        "id": uuid7(),
        "tenant_id": TENANT,
        "delivery_id": uuid.UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0000 + delivery),
        "type": TYPES[number % len(TYPES)],
        "occurred_at": BEGIN + timedelta(seconds=number % 1_000_000),
        "idempotency_key": f"{PROVIDER}:{event_id(number)}",
        "normalized_payload": {
            "ip": "203.0.113.7",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
            "url": f"https://example.com/{number}",
        },
        "metadata": {
            "provider": PROVIDER,
            "provider_message_id": f"{delivery * 2_654_435_761 % (1 << 32):08x}.recvd-canary.0",
            "event_id": event_id(number),
        },
        "needs_reconciliation": False,
    }


def answer(prepare, insert):
    """Makes the input of each batch with `prepare`, from its rows, and measures `insert`."""
    for line in sys.stdin:
        first, count = map(int, line.split())
        prepared = prepare([row(number) for number in range(first, first + count)])
        begun = time.perf_counter()
        insert(prepared)
        print(time.perf_counter() - begun, flush=True)
