"""NEW-9, PAT-14, ACX-30, NEW-1 in the terminal: pause, resume, cancel, review; send later."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from tests.cli.conftest import Type
from tests.cli.office import Office, signed_in
from tests.fakes import quick_hash
from tests.ledgers import add_campaign, add_patients

SECRET = "a long secret of nia"


@pytest.fixture
def running(installed: Record) -> int:
    """A campaign to thirty people that runs."""
    add_patients(installed, 30)
    return add_campaign(installed, SystemClock(), 30, batch_size=10)


def test_a_campaign_is_paused_resumed_and_cancelled_with_exact_counts(
    typed: Type, running: int
) -> None:
    """NEW-9."""
    for words, state, counts in (
        (("pause",), states.PAUSED, {"waiting": 30}),
        (("resume",), states.RUNNING, {"waiting": 30}),
        (("cancel", "--yes"), states.CANCELLED_CAMPAIGN, {"cancelled": 30}),
    ):
        done = typed(words[0], str(running), *words[1:], "--reason", "wrong text", "--json")
        assert done.code == 0
        told = json.loads(done.out)
        assert (told["state"], told["counts"]) == (state, counts)


def test_nothing_is_cancelled_without_a_yes(typed: Type, running: int) -> None:
    assert typed("cancel", str(running), stdin="n\n").code == 3
    assert json.loads(typed("pause", str(running), "--json").out)["counts"] == {"waiting": 30}


@pytest.mark.parametrize("word", ["pause", "resume", "cancel", "review"])
def test_an_unknown_campaign_is_named(typed: Type, installed: Record, word: str) -> None:
    words = [word, "7", *(["--yes"] if word == "cancel" else [])]
    done = typed(*words)
    assert (done.code, "campaign-unknown" in done.err) == (2, True)


def test_the_review_shows_start_end_and_patients_a_day(typed: Type, installed: Record) -> None:
    """NEW-4, ACX-30: what an approver sees too."""
    add_patients(installed, 30)
    number = add_campaign(installed, SystemClock(), 30, state=states.CHECKING, stagger_days=3)
    shown = typed("review", str(number)).err
    assert "30 accepted" in shown
    assert "Starts" in shown
    assert "Ends about" in shown
    assert "About 10 patients a day" in shown
    assert "Hello" in shown


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"workers": 4}, "4 runs are to send it together"),
        ({"workers": 4}, "A record in SQLite is on one machine and takes one write at a time"),
        ({"workers": 4}, "it has 3 batches, a run each at most"),
        ({"workers": 2, "dry_run": True}, "Nothing is sent, so several are hardly faster than one"),
        ({"workers": 2, "gateway": states.OUTBOX}, "Nothing is sent"),
    ],
)
def test_who_asks_for_several_runs_is_told_what_comes_of_it(
    typed: Type, installed: Record, values: dict[str, object], says: str
) -> None:
    """What was typed is answered: at the review, where it goes on, and where it is shown."""
    add_patients(installed, 30)
    number = add_campaign(installed, SystemClock(), 30, batch_size=10, **values)
    for words in (("review",), ("resume",), ("show",)):
        done = typed(words[0], str(number))
        assert says in " ".join((done.out + done.err).split())


def test_of_one_run_nothing_is_said(typed: Type, running: int) -> None:
    for word in ("review", "resume", "show"):
        done = typed(word, str(running))
        assert "together" not in done.out + done.err
    assert "3 runs are to send it together" in typed("resume", str(running), "--workers", "3").err


def test_a_campaign_above_the_threshold_waits_for_another_person(
    typed: Type, installed: Record, home: Path
) -> None:
    """NEW-1, PAT-14: nothing leaves; the next command is said."""
    add_patients(installed, 3)
    start = SystemClock().now() + timedelta(days=30)
    while start.weekday() != 1 or start.month == 12:  # a day on which texts may leave
        start += timedelta(days=1)
    asked = typed("settings", "ask", "release.approval_above", "0", "--reason", "two look at all")
    assert asked.code == 0, asked.err
    with installed.write() as connection:
        connection.execute(
            operator.insert().values(
                name="nia", role="operator", secret_hash=quick_hash(SECRET),
                created_at=SystemClock().now(), created_by="root",
            )
        )  # fmt: skip
    reads, writes = os.pipe()
    os.write(writes, f"{SECRET}\n".encode())
    os.close(writes)
    done = typed(
        "message", "--status", "active", "--name", "All", "--purpose", "care", "--text", "We are closed.",
        "--start", f"{start:%d/%m/%Y} 09:00", "--days", "2", "--yes", "--accept-warnings",
        "--secret-fd", str(reads), "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json() == {"campaign_id": 1, "state": "awaiting_approval", "approval": 1}
    assert "waits for another person" in done.err
    assert f"{start:%-d %b %Y} 09:00" in done.err + done.out
    assert done.err.index("cohort confirm 1") < done.err.index("cohort approve 1")
    with signed_in(Office(home, installed), "nia"):
        assert "asked by nia, not confirmed" in typed("review", "1").err
        (asked,) = json.loads(typed("approvals", "--json").out)
    assert (asked["kind"], asked["requested_by"], asked["summary"]["days"]) == (
        "campaign",
        "nia",
        2,
    )
