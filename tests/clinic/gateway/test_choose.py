"""Which way out a channel has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clinic.gateway.choose import gateway_for
from clinic.record.database import Record
from clinic.settings import EmailGateway, Settings, SmsGateway

PROVIDER = SmsGateway(url="https://sms.example.org")
RELAY = EmailGateway(host="relay.example.org", sender="practice@example.org")


@pytest.mark.parametrize(
    ("settings", "channel", "name"),
    [
        (Settings(), "sms", "outbox"),
        (Settings(), "email", "outbox"),
        (Settings(), "voice", "outbox"),
        (Settings(sms=PROVIDER), "sms", "http-sms"),
        (Settings(sms=PROVIDER), "email", "outbox"),
        (Settings(email=RELAY), "email", "smtp"),
        (Settings(email=RELAY), "sms", "outbox"),
    ],
)
def test_a_channel_leaves_as_set_and_otherwise_to_the_outbox(
    sqlite_record: Record, settings: Settings, channel: str, name: str
) -> None:
    gateway = gateway_for(settings, sqlite_record, channel)
    assert (gateway.name, gateway.channel) == (name, channel)
    gateway.close()


def test_choosing_the_outbox_loads_no_http_client() -> None:
    """`cohort --help` and the embedded default do not pay for aiohttp."""
    look = (
        "import sys, clinic.gateway.choose, clinic.gateway.outbox; print('aiohttp' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "False"
