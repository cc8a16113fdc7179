"""
Whoever types what an operation's "Next:" says gets further, from every state that an operation can be in.

What is printed is read and typed as it stands; "…" is a person's own words, and a question is answered with
yes. Ann asks, Mia approves. No Prefect server answers here: a command that starts a run ends with exit code
4, the request kept, and the steps of its run are taken by this process.
"""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import Result

from clinic.change.core import states
from clinic.change.core.states import DONE, ENDED, WITHDRAWN
from clinic.change.operations import get_operation
from clinic.change.review.approve import answer, ask
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.change.run.finish import finish
from clinic.change.run.plan import make_plan
from clinic.clock import SystemClock
from clinic.govern.approvals.approvals import expire
from clinic.record.database import Record
from tests.cli.office import Office, hire
from tests.clinic.change.practice import SETTINGS, applied, asked, patients, places, update
from tests.fakes import FakeClock

CLOCK = SystemClock()
NOWHERE = {"COHORT_PREFECT_API_URL": "http://127.0.0.1:9/api"}
MOST_STEPS = 8
# Who types it, and what their terminal's question is answered with
PEOPLE = {
    "cohort approve": ("mia", []),
    "cohort reject": ("mia", []),
    "cohort operations rerun": ("ann", ["--yes"]),
    "cohort operations undo": ("ann", ["--yes"]),
    "cohort operations resume": ("ann", []),
    "cohort operations withdraw": ("ann", []),
}


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    (tmp_path / "home").mkdir()
    office = Office(tmp_path / "home", sqlite_record)
    office.environment |= NOWHERE
    hire(office)
    places(sqlite_record)
    patients(sqlite_record, 4)
    return office


def hints(result: Result) -> list[str]:
    """The commands under "Next:", and those that an error's sentence ends with."""
    _, _, after = result.output.rpartition("Next:")
    found = [line.strip() for line in after.splitlines() if line.strip().startswith("cohort ")]
    if result.exit_code == 4:
        said = " ".join(result.output.split())
        found += re.findall(r"(?:when that is fixed|or at once): (cohort [a-z ]+ \d+)", said)
    return found


def type_it(office: Office, command: str) -> Result:
    """Type what is printed, as it is printed."""
    words = shlex.split(command.replace("…", "my own words"))[1:]
    who, says = next(
        (found for start, found in PEOPLE.items() if command.startswith(start)), (None, [])
    )
    return office.run(*words, *says, me=who)


def bring_to(office: Office, record: Record, state: str) -> int:
    """An operation in this state; its number."""
    number = asked(record, CLOCK, "status", {"to": "discharged"}, [1, 2, 3, 4])  # type: ignore[arg-type]
    if state == "requested":
        return number
    if state == "planned":
        make_plan(record, CLOCK, SETTINGS, number)
        return number
    made = office.run("operations", "resume", str(number), me="ann")
    assert made.exit_code == 4, made.output  # planned and asked for; no run
    if state == "waiting":
        return number
    approval = str(get_operation(record, number).approval_id)
    if state == "withdrawn":
        office.run("operations", "withdraw", str(number), me="ann")
    elif state == "rejected":
        office.run("reject", approval, "--note", "no", me="mia")
    elif state == "expired":
        later = FakeClock(datetime.now(UTC) + timedelta(hours=73))
        expire(record, later)
        answer(record, later, number)
    else:
        assert office.run("approve", approval, me="mia").exit_code == 4
    run_to(record, number, state)
    return number


def run_to(record: Record, number: int, state: str) -> None:
    """What its run has done by then; nothing before it began."""
    if state == "done_with_conflicts":
        update(record, 1, status="on_hold")
    if state == "failed":  # its run ended before it changed anybody
        begin(record, CLOCK, number)
        finish(record, CLOCK, SETTINGS, number)
    if state in ("running", "done", "done_with_conflicts"):
        begin(record, CLOCK, number)
        apply_chunk(record, CLOCK, number, chunks_left(record, number)[0])
    if state in ("done", "done_with_conflicts"):
        applied(record, CLOCK, number)  # type: ignore[arg-type]


def newest(office: Office) -> int:
    return int(office.rows("operations", "list")[0]["id"])


def take_steps_of_the_run(record: Record, number: int) -> None:
    """What a worker would do once the command has let it."""
    if get_operation(record, number).state in ("approved", "running"):
        applied(record, CLOCK, number)  # type: ignore[arg-type]
    elif get_operation(record, number).state == "planned":
        ask(record, CLOCK, SETTINGS, number, flow_run_id=None)


TABLE = [
    ("requested", "resume", DONE),
    ("requested", "withdraw", WITHDRAWN),
    ("planned", "resume", DONE),
    ("planned", "withdraw", WITHDRAWN),
    ("waiting", "approvals show", DONE),
    ("waiting", "withdraw", WITHDRAWN),
    ("approved", "resume", DONE),
    ("running", "resume", DONE),
    ("done", "undo", DONE),
    ("done_with_conflicts", "rerun", DONE),
    ("done_with_conflicts", "undo", DONE),
    ("rejected", "rerun", DONE),
    ("withdrawn", "rerun", DONE),
    ("expired", "rerun", DONE),
    ("failed", "rerun", DONE),
]


def test_every_state_of_an_operation_is_followed() -> None:
    """A new state fails here until what is printed of it is followed."""
    every = {
        value for name, value in vars(states).items() if name.isupper() and isinstance(value, str)
    }
    assert len(every) == 11
    assert every == {state for state, *_ in TABLE}


@pytest.mark.parametrize(("state", "first", "last"), TABLE)
def test_what_is_printed_of_an_operation_leads_to_its_end(
    office: Office, state: str, first: str, last: str
) -> None:
    """The bar: no hint fails, and none leads back to where it was printed."""
    record = office.open()
    number = bring_to(office, record, state)
    assert get_operation(record, number).state == state
    told = office.run("operations", "show", str(number))
    wanted, typed = first, list[tuple[str, str]]()
    while len(typed) < MOST_STEPS:
        now = get_operation(record, number).state
        found = [one for one in hints(told) if (now, one) not in typed and wanted in one]
        assert found, (state, typed, told.output)  # the same again, and nothing has moved
        typed.append((now, found[0]))
        told = type_it(office, found[0])
        # 4: kept, without a run
        assert told.exit_code in (0, 4), (found[0], told.output)
        wanted, number = "", newest(office)
        if "resume" in found[0]:
            take_steps_of_the_run(record, number)
        now = get_operation(record, number).state
        if now in ENDED:
            break
        if not [one for one in hints(told) if (now, one) not in typed]:
            told = office.run("operations", "show", str(number))
    assert get_operation(record, number).state == last, typed
    record.close()


@pytest.mark.parametrize(("words", "known"), [
    (("rerun", "1", "--yes"), "done_with_conflicts"),
    (("resume", "1"), "requested"),
    (("rerun", "1", "--yes"), "withdrawn"),
])  # fmt: skip
def test_an_operation_that_would_change_nobody_is_closed_and_nobody_is_asked(
    office: Office, words: tuple[str, ...], known: str
) -> None:
    """No approver gets it, it does not wait to be resumed, and its hints do not go in a circle."""
    record = office.open()
    bring_to(office, record, known)
    for patient in (1, 2, 3, 4):
        update(record, patient, status="discharged")
    told = office.run("operations", *words, me="ann")
    closed = newest(office)
    assert (told.exit_code, "nothing-to-change" in told.output) == (2, True)
    assert get_operation(record, closed).state == "failed"
    assert not [row for row in office.rows("approvals") if row["subject_id"] == closed]
    shown = office.run("operations", "show", str(closed))
    assert hints(shown) == ["cohort operations list"]
    before = hints(office.run("operations", "show", "1"))
    assert "cohort operations rerun 1" not in before
    if closed != 1:
        assert f"cohort operations show {closed}" in before
    record.close()
