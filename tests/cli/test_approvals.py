"""`cohort approvals`, `approve`, `reject` as people type them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from cli.approvals import resume_run
from clinic.errors import NotAllowed
from clinic.govern.approvals import Approval
from clinic.record.database import Record
from tests.cli.office import Office, ask, hire

RUN = "3f2b7c1e-1111-4222-8333-123456789abc"


@pytest.fixture
def office(tmp_path: Path, sqlite_record: Record) -> Office:
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    return office


def test_a_manager_sees_approves_and_the_queue_is_empty(office: Office) -> None:
    """ALC-33: who reviews sees what, how many, and why."""
    number = ask(office)
    listed = office.run("approvals")
    assert "cohort approve 1" in listed.output
    shown = office.run("approvals", "show", str(number)).output
    for part in (
        "status, operation 7",
        "patients\t3",
        "facility closes",
        "cannot easily be undone",
    ):
        assert part in shown
    approved = office.run("approve", str(number), "--note", "seen", me="mia")
    assert (approved.exit_code, "approved by mia" in approved.output) == (0, True)
    assert office.rows("approvals") == []
    [state] = {office.rows("approvals", "show", str(number))["state"]}
    assert state == "approved"


def test_a_rejection_needs_a_note_and_stands(office: Office) -> None:
    number = str(ask(office))
    assert office.run("reject", number, me="mia").exit_code == 2
    assert office.run("reject", number, "--note", "not yet", me="mia").exit_code == 0
    again = office.run("approve", number, "--note", "", me="max")
    assert (again.exit_code, "approval-decided" in again.output) == (3, True)


@pytest.mark.parametrize(
    ("me", "secret", "code"),
    [
        ("ann", None, "approval-role"),
        ("root", None, "approval-role"),
        ("mia", "a wrong secret", "operator-unproven"),
        ("nobody", None, "operator-unproven"),
    ],
)
def test_who_may_not_decide_is_refused_with_exit_code_3(
    office: Office, me: str, secret: str | None, code: str
) -> None:
    number = str(ask(office))
    refused = office.run("approve", number, "--note", "", me=me, secret=secret)
    assert (refused.exit_code, code in refused.output) == (3, True)
    assert [asked["state"] for asked in office.rows("approvals")] == ["waiting"]


def test_the_command_is_offered_only_to_whom_may(office: Office) -> None:
    """ALC-44: without the permission the option is not visible."""
    number = str(ask(office))
    for name, offered in (("mia", True), ("ann", False), ("root", False), ("nobody", False)):
        for command in (("approvals",), ("approvals", "show", number)):
            said = office.run(*command, environment={"COHORT_OPERATOR": name}).output
            assert ("cohort approve" in said) is offered


def test_old_requests_are_chased_and_expired_ones_closed(office: Office) -> None:
    """ALC-45."""
    ask(office)
    ask(office, subject_id=8, expires_in=timedelta(microseconds=1))
    assert "operation 7" not in office.run("approvals", "stale").stdout
    said = office.run("approvals", "stale", "--hours", "0")
    assert "operation 7" in said.stdout
    assert office.rows("approvals", "show", "2")["state"] == "expired"


def test_a_request_that_nobody_can_decide_is_said(office: Office) -> None:
    ask(office, requested_by="mia")
    office.run("operators", "disable", "max", me="root")
    assert "Nobody can decide request 1" in office.run("approvals", "stale").output


def test_a_number_that_is_none_is_not_found(office: Office) -> None:
    missing = office.run("approve", "99", "--note", "", me="mia")
    assert (missing.exit_code, "approval-unknown" in missing.output) == (2, True)


def test_an_undecided_request_resumes_nothing(office: Office) -> None:
    number = str(ask(office, flow_run_id=RUN))
    early = office.run("approvals", "resume", number)
    assert (early.exit_code, "approval-waiting" in early.output) == (3, True)


# --- the run that waits ----------------------------------------------------------------------------


def decided(office: Office, flow_run_id: str | None) -> Approval:
    from clinic.govern.approval_rows import existing

    number = ask(office, flow_run_id=flow_run_id)
    record = office.open()
    with record.read() as connection:
        found = existing(connection, number)
    record.close()
    return found


def test_a_decision_resumes_the_run_that_waits_for_it(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    resumed: list[UUID] = []
    resume_run(decided(office, RUN), resumed.append)
    assert resumed == [UUID(RUN)]
    assert "goes on" in capsys.readouterr().err


def _no_server(flow_run_id: UUID) -> None:
    raise ConnectionError("to an address")


def _not_waiting(flow_run_id: UUID) -> None:
    raise NotAllowed("run-not-waiting", "it is not waiting")


@pytest.mark.parametrize(
    ("call", "says"),
    [(_no_server, "no Prefect server answers"), (_not_waiting, "it is not waiting")],
)
def test_when_the_run_cannot_be_resumed_the_decision_stands_and_the_command_is_shown(
    office: Office,
    capsys: pytest.CaptureFixture[str],
    call: Callable[[UUID], None],
    says: str,
) -> None:
    resume_run(decided(office, RUN), call)
    said = capsys.readouterr().err
    for part in ("decision stands", says, "cohort server start", "cohort approvals resume 1"):
        assert part in said
    assert "to an address" not in said


def test_what_no_run_waits_for_is_said(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    resume_run(decided(office, None), _no_server)
    assert "No run waits" in capsys.readouterr().err
