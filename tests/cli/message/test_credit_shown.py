"""COM-14: whether the credit suffices is shown wherever a sending is looked at, and red is refused unasked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli.begin.settings_file import settings_file
from clinic.clock import SystemClock
from clinic.message import states
from clinic.message.outcomes.report import list_campaigns
from clinic.record.database import Record
from clinic.record.schema.people import appointment, facility, patient, provider
from tests.cli.conftest import Type
from tests.ledgers import add_campaign, add_patients
from tests.servers.providers.cloud import ACCOUNT, Twilio
from tests.servers.stand_in import standing_in

CLOCK = SystemClock()
GATEWAY = """
[gateways.tw]
type = "twilio"
account = "{account}"
auth_token = "secret"
sender = "+447700900999"
url = "http://127.0.0.1:{port}"
segment_cost = 0.04
processor = {{ company = "Texts Ltd", country = "GB", contract = "C-7", keeps = "nothing" }}
"""
BALANCES = [
    ("50.00", "it suffices", False),
    ("0.05", "it does not suffice", True),
    (None, "tw is not known now", False),
]


@contextlib.contextmanager
def gateway(config: Path, balance: str | None) -> Iterator[Twilio]:
    """The gateway of texts, with so much left; None: it does not answer."""
    provider = Twilio(balance=balance or "")
    with standing_in(provider.answer) as server:
        port = server.port if balance else 9
        chosen = {
            "home": str(config.parent / "home"), "operator": "nia", "phones.test_range": True,
            "channels.sms.gateways": ["tw"],
        }  # fmt: skip
        own = GATEWAY.format(account=ACCOUNT, port=port)
        config.write_text(settings_file(chosen) + own, encoding="utf-8")
        config.chmod(0o600)
        yield provider


def some_are_seen_tomorrow(record: Record) -> None:
    """Three patients, each with an appointment."""
    tomorrow = CLOCK.now() + timedelta(days=1)
    visit = {
        "place": "Room 4",
        "facility_id": 1,
        "provider_id": 1,
        "visit_type": "smear",
        "mode": "in_person",
    }
    with record.write() as connection:
        connection.execute(sa.insert(facility).values(id=1, code="F1", name="Site 1"))
        connection.execute(
            sa.insert(provider).values(id=1, code="P1", name="Dr 1", speciality="S1")
        )
        for n in (1, 2, 3):
            names = {
                "given_name": f"Given{n}",
                "family_name": "Jones",
                "birth_date": date(1950, 3, n),
            }
            connection.execute(sa.insert(patient).values(id=n, **names, mobile=f"0770090000{n}"))
            starts = tomorrow + timedelta(minutes=n)
            connection.execute(
                sa.insert(appointment).values(patient_id=n, starts_at=starts, **visit)
            )


@pytest.mark.parametrize(("balance", "said", "red"), BALANCES)
@pytest.mark.parametrize("command", ["message", "remind"])
def test_what_cannot_be_paid_is_refused_before_anybody_is_asked(
    typed: Type, installed: Record, config: Path, command: str,
    balance: str | None, said: str, red: bool,
) -> None:  # fmt: skip
    some_are_seen_tomorrow(installed)
    words = ["remind"]
    if command == "message":
        words = ["message", "--status", "active", "--name", "Flu", "--template", "flu-invite"]
    with gateway(config, balance) as provider:
        told = typed(*words)
    shown = " ".join(told.err.split())
    assert said in shown
    assert "Processed by Texts Ltd (GB)" in shown
    assert ("gateway-credit" in shown, "not-confirmed" in shown) == (red, not red)
    assert provider.taken == []
    assert [one.state for one in list_campaigns(installed) if one.state != states.REFUSED] == []


@pytest.mark.parametrize(("balance", "said", "red"), BALANCES)
def test_an_approver_sees_whether_the_credit_suffices(
    typed: Type, installed: Record, config: Path, balance: str | None, said: str, red: bool
) -> None:
    add_patients(installed, 30)
    number = add_campaign(installed, CLOCK, 30, gateway="tw", state=states.CHECKING)
    with gateway(config, balance) as provider:
        told = typed("review", str(number))
    shown = " ".join(told.err.split())
    assert (told.code, said in shown, "Processed by Texts Ltd (GB)" in shown) == (0, True, True)
    assert provider.taken == []
