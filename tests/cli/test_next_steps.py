"""Whoever follows what stands under "Next:" comes to the end of the work, or to what a person decides."""

from __future__ import annotations

import shlex
from datetime import timedelta
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.message import states
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign, put_patient
from tests.cli.conftest import Type
from tests.typed import Typed

PENDING = Fate(state=states.PENDING)
# These need a server, a secret, or another person: there the walk is over
ENDS = ("cohort message --resume", "cohort unknown ask", "cohort approve", "cohort resend")


def next_of(told: Typed) -> list[str]:
    """The commands under "Next:"."""
    _, _, after = told.err.rpartition("Next:")
    return [line.strip() for line in after.splitlines() if line.strip().startswith("cohort ")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files that a command names are written."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("state", "reason", "fates", "last"),
    [
        (states.RUNNING, None, [PENDING], "cohort message --resume 1"),
        (states.PAUSED, "gateway-credentials", [PENDING], "cohort message --resume 1"),
        (states.PAUSED, "paused-by-person", [PENDING], "cohort message --resume 1"),
        (states.HELD_CAMPAIGN, "database-restored", [PENDING], "cohort message --resume 1"),
        (states.MISSED, "too-late", [PENDING], "cohort message --resume 1"),
        (states.RECONCILING, None, [Fate(state=states.UNKNOWN)], "cohort campaigns"),
        (states.COMPLETED, None, [Fate(state=states.REJECTED)], "cohort resend 1"),
        (states.COMPLETED, None, [Fate(state=states.DELIVERED)], "cohort campaigns"),
        (states.REFUSED, "not-confirmed", [PENDING], "cohort campaigns"),
        (states.CANCELLED_CAMPAIGN, "cancelled-by-person", [PENDING], "cohort campaigns"),
    ],
)
def test_the_printed_way_leads_on_until_the_work_is_done(
    typed: Type, installed: Record, folder: Path, state: str, reason: str | None,
    fates: list[Fate], last: str,
) -> None:  # fmt: skip
    """Every command that is named runs, and the walk does not go in a circle."""
    clock = SystemClock()
    put_campaign(
        installed, clock, fates, state=state, state_reason=reason, released_at=clock.now(),
        latest_start=clock.now() - timedelta(hours=1) if state == states.MISSED else None,
    )  # fmt: skip
    done: list[str] = []
    waiting = ["cohort show 1"]
    while waiting and not any(step.startswith(last) for step in done):
        command = waiting.pop(0)
        done.append(command)
        if command.startswith(ENDS):
            continue
        told = typed(*shlex.split(command)[1:])
        assert told.code == 0, (command, told.err)
        new = [step for step in next_of(told) if step not in done and step not in waiting]
        waiting += [step for step in new if not step.startswith("cohort cancel")]
    assert any(step.startswith(last) for step in done), done


@pytest.mark.parametrize("state", [states.PAUSED, states.HELD_CAMPAIGN, states.MISSED])
def test_what_stands_still_is_not_run_again_in_vain(
    typed: Type, installed: Record, state: str
) -> None:
    """The reason, then where to look, then the command that lets it go on."""
    put_campaign(installed, SystemClock(), [PENDING], state=state, state_reason="gateway-payment")
    told = typed("message", "--resume", "1")
    assert told.code == 3
    assert "The provider asks for payment" in told.err
    assert told.err.index("cohort show 1") < told.err.index("cohort resume 1")


def test_before_init_every_command_says_to_run_it(typed: Type, config: Path, home: Path) -> None:
    """Yours to fix, and no fault of the database: exit code 2."""
    for words in (("campaigns",), ("show", "1"), ("report",), ("groups", "list"), ("resend", "1")):
        told = typed(*words)
        assert (told.code, "cohort init" in told.err) == (2, True), (words, told.err)


def test_both_files_of_the_report_are_written(typed: Type, installed: Record, folder: Path) -> None:
    put_campaign(installed, SystemClock(), [Fate(state=states.DELIVERED)])
    told = typed("report", "--excel", "sent.xlsx", "--csv", "sent.csv")
    assert told.code == 0, told.err
    assert (folder / "sent.xlsx").stat().st_size > 1000
    assert len((folder / "sent.csv").read_text(encoding="utf-8-sig").splitlines()) == 2


def test_the_card_tells_what_waits_apart_and_with_its_date(typed: Type, installed: Record) -> None:
    """ARC-16: nobody takes for sent what is only planned."""
    clock = SystemClock()
    put_patient(installed, 5, nhs_number="9990000018", local_id="L5")
    starts = clock.now() + timedelta(days=9)
    fate = Fate(state=states.PENDING, patient_id=5, body="Come on the ninth day.")
    put_campaign(installed, clock, [fate], state=states.SCHEDULED, start_at=starts)
    told = typed("patient", "L5", "--reason", "care")
    assert "Pending" not in told.out
    assert f"{starts:%-d %b %Y}" in told.out
    assert "Come on the ninth day." in told.out
    assert typed("patient", "L5", "--reason", "care", "--json").json() == []


def test_groups_are_shown_shrunk_and_deleted(typed: Type, installed: Record, folder: Path) -> None:
    """COM-11"""
    put_patient(installed, 5, nhs_number="9990000018", local_id="L5")
    put_patient(installed, 6, nhs_number="9990000999", local_id="L6")
    (folder / "ids.txt").write_text("L5\nL6\n")
    (folder / "one.txt").write_text("L6\n")
    assert typed("groups", "add", "carers", "--name", "Carers", "--ids-from", "ids.txt").code == 0
    again = typed("groups", "add", "carers", "--name", "Helpers", "--ids-from", "one.txt")
    assert "keeps its name: Carers" in again.err + again.out
    assert typed("groups", "remove", "carers", "--ids-from", "one.txt").code == 0
    assert [row[1] for row in typed("groups", "show", "carers").rows()] == ["L5"]
    assert typed("groups", "delete", "carers").code == 3
    assert typed("groups", "delete", "carers", "--yes").code == 0
    assert typed("groups", "show", "carers").code == 2


@pytest.mark.parametrize("state", [states.RUNNING, states.PAUSED, states.CHECKING])
def test_while_all_sending_is_stopped_nothing_that_is_printed_resumes_a_campaign(
    typed: Type, installed: Record, state: str
) -> None:
    """Each of these would be refused until somebody allows sending again."""
    put_campaign(installed, SystemClock(), [PENDING], state=state)
    assert typed("sending", "stop", "--reason", "the wrong text").code == 0
    told = [typed("show", "1"), typed("message", "--resume", "1")]
    if state == states.RUNNING:
        told.append(typed("pause", "1"))
    assert [one.code for one in told] == [0, 3, 0][: len(told)]
    for one in told:
        assert "cohort sending status" in one.err
        assert "resume 1" not in one.err
