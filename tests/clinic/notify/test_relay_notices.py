"""A notice to staff over a real relay: what it took, what it refused and what stopped it, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from clinic.gateway.smtp.email import Smtp
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.notify.status import Notice, failed_lately, notices_of
from clinic.record.database import Record
from clinic.settings import EmailGateway, Notices, Settings
from tests.clinic.notify.test_notices import TEAM, acts, approved, requested, staged
from tests.clinic.notify.test_ready import changed as changed
from tests.fakes import FakeClock
from tests.ledgers import make_ledger
from tests.servers.relay import running_relay, scripted_relay


def team(*names: str) -> Settings:
    """Whose notices go to these."""
    internal = tuple(f"{name}@practice.nhs.uk" for name in names)
    return TEAM.model_copy(update={"notices": Notices(internal=internal)})


def hand_over(
    record: Record, clock: FakeClock, folder: Path, notice: int, port: int, **way: Any
) -> None:
    """An approved notice, to the relay at this port."""
    given = {"tls": "none", "sender": "p@example.org", "timeout_seconds": 5} | way
    gateway = Smtp(
        EmailGateway(host="127.0.0.1", port=port, **given), sender_name="Practice", clock=clock
    )
    with contextlib.closing(gateway):
        deliver(make_ledger(record, clock, folder), gateway, notice, 1, 100)
    summarize(record, clock, notice)


def the_one(record: Record, clock: FakeClock) -> Notice:
    """How the only notice of the operation stands; the overview names it if it failed, and else not."""
    (now,) = notices_of(record, 1, clock.now())
    assert failed_lately(record, clock.now()) == ([now] if now.failed else [])
    return now


def on_trail(record: Record) -> list[str]:
    return [each.outcome for each in acts(record) if each.operation_type == "notification"]


def test_the_team_gets_it_by_a_real_relay(
    sqlite_record: Record, clock: FakeClock, changed: int, tmp_path: Path
) -> None:
    """ALC-32: `--to internal`, with somebody behind it."""
    number = staged(sqlite_record, clock, requested(changed, "internal"))
    approved(sqlite_record, clock, number)
    with running_relay() as relay:
        hand_over(sqlite_record, clock, tmp_path, number, relay.port)
        (got,) = map(message_from_bytes, relay.texts())
    assert got["To"] == "team@practice.nhs.uk"
    assert got["Subject"] == f"Status change: operation {changed}"
    now = the_one(sqlite_record, clock)
    assert (now.sent, now.says, now.failed) == (1, "was sent", False)
    assert on_trail(sqlite_record) == ["done"]


# Whom the relay does not take, with what it says; the trail's outcome, how many got it, how it stands
REFUSED = [
    (("rota",), "550 5.1.1 no such user", "partly", 2, "was not sent to all: 1 rejected"),
    (("rota", "desk", "nurse"), "553 5.1.3 bad name", "failed", 0, "was not sent to all: 3 rejected"),
]  # fmt: skip


@pytest.mark.parametrize(("whom", "answer", "outcome", "sent", "says"), REFUSED)
def test_whom_the_relay_refuses_was_not_told_and_that_is_said(
    sqlite_record: Record, clock: FakeClock, changed: int, tmp_path: Path, whom: tuple[str, ...],
    answer: str, outcome: str, sent: int, says: str,
) -> None:  # fmt: skip
    """ALC-32: nobody believes that the team was told."""
    settings = team("desk", "rota", "nurse")
    number = staged(sqlite_record, clock, requested(changed, "internal"), settings)
    approved(sqlite_record, clock, number)
    with running_relay(refuses=lambda to: answer if to.split("@")[0] in whom else None) as relay:
        hand_over(sqlite_record, clock, tmp_path, number, relay.port)
        assert len(relay.envelopes) == sent
    now = the_one(sqlite_record, clock)
    assert (now.sent, now.not_sent, now.says, now.failed) == (sent, len(whom), says, True)
    assert on_trail(sqlite_record) == [outcome]


LOGIN = {
    "EHLO": b"250-relay\r\n250 AUTH PLAIN LOGIN\r\n",
    "AUTH": b"535 5.7.8 authentication failed\r\n",
}


# The relay, how it is spoken to; why the campaign stopped
STOPPED: list[tuple[Callable[[], Any], dict[str, Any], str]] = [
    (running_relay, {"tls": "starttls"}, "gateway-tls"),
    (
        lambda: scripted_relay(**LOGIN),
        {"user": "p", "password": SecretStr("x")},
        "gateway-credentials",
    ),
    (lambda: scripted_relay(MAIL=b"530 5.7.0 log in first\r\n"), {}, "gateway-credentials"),
]


@pytest.mark.parametrize(("relay", "way", "reason"), STOPPED)
def test_a_notice_that_its_relay_stopped_says_why_and_what_resumes_it(
    sqlite_record: Record, clock: FakeClock, changed: int, tmp_path: Path,
    relay: Callable[[], Any], way: dict[str, Any], reason: str,
) -> None:  # fmt: skip
    """ALC-32: it is not sent, so the trail does not say that it was."""
    number = staged(sqlite_record, clock, requested(changed, "internal"))
    approved(sqlite_record, clock, number)
    with relay() as running:
        hand_over(sqlite_record, clock, tmp_path, number, running.port, **way)
    now = the_one(sqlite_record, clock)
    assert now.failed
    assert now.says == f"is paused ({reason}) until somebody resumes it: cohort resume {number}"
    assert on_trail(sqlite_record) == []


# What a relay does that may take it later; what of it is told
BUSY = [
    ({"CONNECT": b"421 4.3.2 try later\r\n"}, "refuses the connection with 421"),
    ({"MAIL": b"451 4.3.0 queue full\r\n"}, "the relay answers 451 4.3.0"),
]


@pytest.mark.parametrize(("deeds", "says"), BUSY)
def test_a_notice_that_its_relay_does_not_take_yet_is_told_of_and_is_not_lost(
    sqlite_record: Record,
    clock: FakeClock,
    changed: int,
    tmp_path: Path,
    deeds: dict[str, bytes],
    says: str,
) -> None:
    """ALC-32: what is not sent yet is in the overview until it is, and is then sent once."""
    number = staged(sqlite_record, clock, requested(changed, "internal"))
    approved(sqlite_record, clock, number)
    with scripted_relay(**deeds) as busy:
        hand_over(sqlite_record, clock, tmp_path, number, busy.port)
    now = the_one(sqlite_record, clock)
    assert now.failed
    assert now.says.startswith("is being sent, but the gateway takes nothing: ")
    assert says in now.says
    assert on_trail(sqlite_record) == []
    clock.sleep(3600)
    with running_relay() as relay:
        hand_over(sqlite_record, clock, tmp_path / "later", number, relay.port)
        assert len(relay.envelopes) == 1
    assert the_one(sqlite_record, clock).says == "was sent"
