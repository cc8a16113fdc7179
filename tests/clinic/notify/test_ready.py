"""What can be known of a notice is known before anything of it begins; and what became of it is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import CohortError
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.notify.asking import ask_for
from clinic.notify.notices import open_notice
from clinic.notify.recipients import Audience
from clinic.notify.status import Notice, failed_lately, notices_of
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.people import facility, provider
from clinic.settings import Notices, Organisation, Settings
from tests.clinic.change.practice import ASKER, asked, done, practice
from tests.clinic.notify.test_notices import TEAM, acts, approved, requested, sent, staged
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import make_ledger

EMAILS = {"F1": "north@practice.nhs.uk"}


@pytest.fixture
def changed(sqlite_record: Record, clock: FakeClock) -> int:
    """Operation 1 put two patients of F1 on hold and is done; operation 2 is only asked for."""
    practice(sqlite_record)
    install(sqlite_record, clock)
    emails(sqlite_record, EMAILS)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1, 2])
    done(sqlite_record, clock, operation_id)
    asked(sqlite_record, clock, "status", {"to": "on_hold"}, [3], key="second")
    return operation_id


def emails(record: Record, given: dict[str, str | None]) -> None:
    with record.write() as connection:
        for code, email in given.items():
            table = facility if code.startswith("F") else provider
            connection.execute(sa.update(table).where(table.c.code == code).values(email=email))


def notices(record: Record, clock: FakeClock, operation_id: int = 1) -> list[Notice]:
    return notices_of(record, operation_id, clock.now())


# Whom, of which operation, other settings, other addresses; the code, and what it says to do
REFUSED: list[tuple[Audience, int, dict[str, Any], dict[str, str | None], str, str]] = [
    ("facility", 99, {}, {}, "operation-unknown", "99"),
    ("facility", 2, {}, {}, "notice-too-early", "cohort operations show 2"),
    ("facility", 1, {"organisation": Organisation(channels=("sms",))}, {}, "channel-off", "channels"),
    ("internal", 1, {"outbox": False}, {}, "gateway-missing", "outbox = true"),
    ("internal", 1, {"notices": Notices()}, {}, "notice-nobody", "notices.internal"),
    ("internal", 1, {"notices": Notices(internal=("team@", "x"))}, {}, "notice-no-address", "correct"),
    ("facility", 1, {}, {"F1": None}, "notice-no-address", "cohort places facility F1 --email"),
    ("facility", 1, {}, {"F1": "north at nhs"}, "notice-no-address", "cohort places facility F1"),
    ("provider", 1, {}, {}, "notice-no-address", "cohort places provider P1 --email"),
]  # fmt: skip


@pytest.mark.parametrize(("audience", "of", "settings", "addresses", "code", "says"), REFUSED)
def test_what_cannot_be_sent_is_refused_before_anything_is_written(
    sqlite_record: Record, clock: FakeClock, changed: int, audience: Audience, of: int,
    settings: dict[str, Any], addresses: dict[str, str | None], code: str, says: str,
) -> None:  # fmt: skip
    """ALC-32: nobody believes that the team was told."""
    emails(sqlite_record, addresses)
    before = len(acts(sqlite_record))
    wrong = TEAM.model_copy(update=settings)
    with pytest.raises(CohortError, match=code) as refused:
        ask_for(sqlite_record, clock, wrong, requested(of, audience), by=ASKER)
    assert says in str(refused.value)
    assert len(acts(sqlite_record)) == before


def test_a_facility_that_was_closed_is_nobody(
    sqlite_record: Record, clock: FakeClock, changed: int
) -> None:
    with sqlite_record.write() as connection:
        connection.execute(sa.update(facility).values(active=False))
    with pytest.raises(CohortError, match="notice-nobody"):
        ask_for(sqlite_record, clock, TEAM, requested(changed, "facility"), by=ASKER)


def test_what_changed_between_asking_and_the_run_is_told_to_who_asked(
    sqlite_record: Record, clock: FakeClock, changed: int
) -> None:
    """The run alone knows it; the trail, `operations show` and the overview say it."""
    request = requested(changed, "internal")
    ask_for(sqlite_record, clock, TEAM, request, by=ASKER)
    (waiting,) = notices(sqlite_record, clock)
    assert (waiting.failed, waiting.says) == (False, "was asked for; its run has not begun")
    with pytest.raises(CohortError, match="notice-nobody"):
        open_notice(
            sqlite_record, clock, Settings(outbox=True), request, gateway="fake", batch_limit=9
        )
    (failed,) = [each for each in acts(sqlite_record) if each.outcome == "failed"]
    assert (failed.operation_type, failed.subject_id) == ("notification.failed", changed)
    (now,) = failed_lately(sqlite_record, clock.now())
    assert (now.audience, now.says) == ("internal", "could not be sent: notice-nobody")
    # Once it is mended, the same request goes on, and is no failure any more
    open_notice(sqlite_record, clock, TEAM, request, gateway="fake", batch_limit=9)
    assert failed_lately(sqlite_record, clock.now()) == []


def test_a_run_that_never_began_is_a_failure_after_a_while_and_old_ones_are_not_news(
    sqlite_record: Record, clock: FakeClock, changed: int
) -> None:
    ask_for(sqlite_record, clock, TEAM, requested(changed, "internal"), by=ASKER)
    later = [clock.now() + timedelta(minutes=m) for m in (10, 20, 8 * 24 * 60)]
    assert [len(failed_lately(sqlite_record, at)) for at in later] == [0, 1, 0]


# What the gateway does; the trail's outcome, how it stands
ENDS = [
    ([], "done", False, "was sent"),
    (["reject"], "failed", True, "was not sent to all: 1 rejected"),
]


@pytest.mark.parametrize(("plan", "outcome", "failed", "says"), ENDS)
def test_the_trail_says_done_when_it_was_sent(
    sqlite_record: Record, clock: FakeClock, changed: int, tmp_path: Path, plan: list[str],
    outcome: str, failed: bool, says: str,
) -> None:  # fmt: skip
    """ALC-32, ALC-40."""
    number = staged(sqlite_record, clock, requested(changed, "internal"))
    assert [each.outcome for each in acts(sqlite_record) if each.subject == "notice"] == ["begun"]
    (waits,) = notices(sqlite_record, clock)
    assert (waits.campaign_id, waits.says) == (number, "waits for its approval")
    approved(sqlite_record, clock, number)
    gateway = FakeGateway(plan=plan)
    deliver(make_ledger(sqlite_record, clock, tmp_path), gateway, number, 1, 100)
    summarize(sqlite_record, clock, number)
    told = [each for each in acts(sqlite_record) if each.operation_type == "notification"]
    assert [each.outcome for each in told] == [outcome]
    (now,) = notices(sqlite_record, clock)
    assert (now.failed, now.says) == (failed, says)
    assert bool(failed_lately(sqlite_record, clock.now())) is failed


def test_whoever_has_no_address_is_not_told_and_that_is_said(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice(sqlite_record)
    install(sqlite_record, clock)
    emails(sqlite_record, EMAILS)
    moved = asked(sqlite_record, clock, "facility", {"to": "F2", "provider": "default"}, [1])
    done(sqlite_record, clock, moved)
    number = staged(sqlite_record, clock, requested(moved, "facility"))
    approved(sqlite_record, clock, number)
    sent(sqlite_record, clock, tmp_path, number)
    summarize(sqlite_record, clock, number)
    assert [e.outcome for e in acts(sqlite_record) if e.operation_type == "notification"] == [
        "partly"
    ]
    (now,) = notices(sqlite_record, clock, moved)
    assert (now.sent, now.not_sent, now.failed) == (1, 1, True)
    assert now.says == "was not sent to all: 1 email_missing"


def test_a_gateway_that_takes_nothing_is_told_of_while_the_notice_waits(
    sqlite_record: Record, clock: FakeClock, changed: int, tmp_path: Path
) -> None:
    number = staged(sqlite_record, clock, requested(changed, "internal"))
    approved(sqlite_record, clock, number)
    ledger = make_ledger(sqlite_record, clock, tmp_path)
    deliver(ledger, FakeGateway(plan=["unauthorised"] * 9), number, 1, 100)
    summarize(sqlite_record, clock, number)
    (now,) = failed_lately(sqlite_record, clock.now())
    assert now.says.endswith(f"until somebody resumes it: cohort resume {number}")
    assert "notification" not in {each.operation_type for each in acts(sqlite_record)}
