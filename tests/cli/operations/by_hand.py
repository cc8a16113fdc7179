"""
What a person does by hand in an operation, typed from the selection to the trail: Ann asks, Mia approves.

No Prefect server answers: a command that starts a run ends with exit code 4, and what was asked for is
kept. Only the steps of that run are taken by this process.
"""

from __future__ import annotations

from pathlib import Path

from clinic.clock import SystemClock
from clinic.record.database import Record
from tests.cli.office import Office, hire
from tests.clinic.change.practice import applied, patients, places

CLOCK = SystemClock()
NOWHERE = {"COHORT_PREFECT_API_URL": "http://127.0.0.1:9/api"}


def office_of(record: Record, folder: Path, *, count: int) -> Office:
    """So many patients with P1 at F1."""
    (folder / "home").mkdir()
    office = Office(folder / "home", record)
    office.environment |= NOWHERE
    hire(office)
    places(record)
    patients(record, count)
    return office


def typed(office: Office, *words: str, code: int = 0, me: str = "ann", pasted: str = "") -> str:
    """What a command prints, in one line."""
    result = office.run(*words, me=me, typed=pasted)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def seen(office: Office, *words: str, me: str = "mia") -> str:
    """What a command prints that asks for no secret."""
    result = office.run(*words, environment={"COHORT_OPERATOR": me})
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def newest(office: Office) -> str:
    """The number of the operation that was asked for last."""
    return str(office.rows("operations", "list")[0]["id"])


def selected(office: Office, ids: str) -> str:
    """Ann pastes ids; the selection's number, as the command to type next has it."""
    said = typed(office, "operations", "select", "--ids-from", "-", pasted=ids)
    return said.rpartition("cohort operations status ")[2].split()[0]


def asked(office: Office, ids: str, *words: str) -> str:
    """Ann pastes ids and asks, and it waits for approval at once: the review that she saw."""
    kind, *how = words
    asking = ("operations", kind, selected(office, ids), *how, "--reason", "by hand", "--yes")
    return typed(office, *asking, code=4)


def approval_of(office: Office, operation: str) -> str:
    """The request that waits for a decision on it."""
    waiting = {str(each["subject_id"]): str(each["id"]) for each in office.rows("approvals")}
    return waiting[operation]


def approved(office: Office, operation: str, *words: str) -> None:
    """Mia types her approval, and its run goes to its end."""
    typed(
        office,
        "approve",
        approval_of(office, operation),
        "--note",
        "seen",
        *words,
        me="mia",
        code=4,
    )
    carried_out(office, operation)


def carried_out(office: Office, operation: str) -> None:
    """The steps of its run, all of them."""
    record = office.open()
    applied(record, CLOCK, int(operation))  # type: ignore[arg-type]
    record.close()
