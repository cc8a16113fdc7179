"""`cohort approvals`, `confirm`, `approve`, `reject` as people type them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cli.govern.confirm import wait_for_another
from clinic.clock import SystemClock
from clinic.errors import Incomplete, NotAllowed
from clinic.govern.approvals.approvals import Approval
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.asking.following import resume_run
from tests.cli.office import SECRET, Office, ask, hire
from tests.ledgers import add_campaign, add_patients

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
        ("root", None, "right-missing"),
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


def ask_for_campaign(office: Office) -> str:
    """Somebody asks in ann's name for campaign 3."""
    return str(ask(office, subject="campaign", subject_id=3, kind="campaign"))


def test_the_note_of_a_rejection_reaches_whoever_asked(office: Office) -> None:
    """NEW-1: in the campaign, in the request, and where they go on with it; at once, though no run waits."""
    record = office.open()
    add_patients(record, 2)
    campaign = add_campaign(record, SystemClock(), 2, state="awaiting_approval", released_at=None)
    record.close()
    number = str(ask(office, subject="campaign", subject_id=campaign, kind="campaign"))
    assert office.run("confirm", number, me="ann").exit_code == 0
    assert office.run("reject", number, "--note", "the old list", me="mia").exit_code == 0
    steps = [
        act["operation_type"] for act in office.rows("audit", "list", "--campaign", str(campaign))
    ]
    assert "approval.rejected" in steps
    shown = office.run("show", str(campaign)).output
    assert "Rejected by" in shown
    assert "the old list" in shown
    assert office.rows("show", str(campaign))["decision"]["by"] == "mia"
    assert "the old list" in office.run("approvals", "show", number).output
    again = office.run("message", "--resume", str(campaign), me="ann")
    assert again.exit_code == 3
    says = f"Campaign {campaign} was rejected by mia: the old list; nothing was sent"
    assert says in " ".join(again.output.split())


def test_a_campaign_is_confirmed_by_who_is_named_and_then_approved_by_another(
    office: Office,
) -> None:
    """NEW-1: both with their secret; each is offered what is theirs to do (ALC-44)."""
    number = ask_for_campaign(office)
    early = office.run("approve", number, "--note", "", me="mia")
    assert (early.exit_code, "requester-unproven" in early.output) == (3, True)
    for name, offered in (("ann", "confirm"), ("mia", "reject")):
        said = office.run("approvals", environment={"COHORT_OPERATOR": name}).output
        assert "ann, not confirmed" in said
        assert [word for word in ("confirm", "approve", "reject") if f"cohort {word}" in said] == [
            offered
        ]
    for _ in range(2):
        confirmed = office.run("confirm", number, me="ann")
        assert (confirmed.exit_code, f"cohort approve {number}" in confirmed.output) == (0, True)
    assert office.rows("approvals", "show", number)["confirmed"] is True
    assert "not confirmed" not in office.run("approvals").output
    assert office.run("approve", number, "--note", "seen", me="mia").exit_code == 0


@pytest.mark.parametrize(
    ("me", "secret", "code"),
    [("mia", None, "confirm-other"), ("ann", "a wrong secret", "operator-unproven")],
)
def test_who_is_not_named_or_not_proven_confirms_nothing(
    office: Office, me: str, secret: str | None, code: str
) -> None:
    number = ask_for_campaign(office)
    refused = office.run("confirm", number, me=me, secret=secret)
    assert (refused.exit_code, code in refused.output) == (3, True)
    assert [asked["confirmed"] for asked in office.rows("approvals")] == [False]


@pytest.mark.parametrize(
    ("operator", "types", "confirmed"),
    [
        ("Ann", SECRET, True),
        ("ann", "", False),
        ("ann", "a wrong secret", False),
        ("mia", SECRET, False),  # carries on with ann's campaign: she is not asked for ann's secret
    ],
)
def test_who_asked_confirms_at_once_at_their_terminal(
    office: Office, operator: str, types: str, *, confirmed: bool
) -> None:
    """NEW-1: at the end of `cohort message`; whatever is typed, the campaign waits and one is told."""
    ask_for_campaign(office)
    record, settings = office.open(), Settings(home=office.home, operator=operator)
    then = wait_for_another(record, SystemClock(), settings, 3, ask=lambda _: types)
    record.close()
    assert then == ["cohort confirm 1"] * (not confirmed) + [
        'cohort approve 1 --note "…"',
        "cohort message --resume 3",
    ]
    assert [asked["confirmed"] for asked in office.rows("approvals")] == [confirmed]


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
    early = office.run("approvals", "resume", number, me="mia")
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


@pytest.mark.parametrize(
    ("went", "says"),
    [
        ("resumed", "goes on"),
        ("started", "another is started"),
        ("under way", "is under way"),
        ("not begun", "reads this when it begins"),
        ("done", "has read this already"),
        ("none", "No run waits"),
    ],
)
def test_a_decision_lets_go_on_what_waits_for_it(office: Office, went: str, says: str) -> None:
    asked: list[int] = []

    def call(decided: Approval) -> tuple[str, str]:
        asked.append(decided.id)
        return went, ""

    told, said = resume_run(decided(office, RUN), call)
    assert (told, asked) == (True, [1])
    assert says in said


@pytest.mark.parametrize(
    ("went", "says"),
    [("resumed", "Its run ends now"), ("under way", "and ends"), ("none", "Nothing was changed")],
)
def test_after_a_no_nobody_is_told_that_anything_goes_on(
    office: Office, went: str, says: str
) -> None:
    _, said = resume_run(replace(decided(office, RUN), state="rejected"), lambda _: (went, ""))
    assert (says in said, "goes on" in said) == (True, False)


def _no_server(decided: Approval) -> tuple[str, str]:
    raise ConnectionError("to an address")


def _not_waiting(decided: Approval) -> tuple[str, str]:
    raise NotAllowed("run-not-waiting", "it is not waiting")


@pytest.mark.parametrize(
    ("call", "says"),
    [(_no_server, "no Prefect server answers"), (_not_waiting, "it is not waiting")],
)
def test_when_the_run_does_not_go_on_the_decision_stands_and_the_program_does_not_end_well(
    office: Office, call: Callable[[Approval], tuple[str, str]], says: str
) -> None:
    with pytest.raises(Incomplete) as refused:
        resume_run(decided(office, RUN), call)
    assert (refused.value.code, refused.value.exit_code) == ("run-not-resumed", 4)
    for part in ("decision stands", says, "cohort server start", "cohort operations resume 7"):
        assert part in refused.value.says
    assert "to an address" not in refused.value.says


def test_a_no_stands_where_no_server_answers_and_nothing_more_is_to_be_done(
    office: Office,
) -> None:
    """It is in the record: `operations resume` of what is rejected would be refused."""
    told, said = resume_run(replace(decided(office, RUN), state="rejected"), _no_server)
    assert not told
    assert "Nothing was changed or sent" in said
    assert "resume" not in said


def test_what_no_run_waits_for_is_said(office: Office) -> None:
    number = str(ask(office))
    said = office.run("approve", number, "--note", "seen", me="mia")
    assert (said.exit_code, "No run waits" in said.output) == (0, True)
