"""Rows of the table that are notices to staff: asked for with `cohort notify`, of an operation that is done."""

from __future__ import annotations

import time

from prefect.client.orchestration import get_client

from tests.flows.operations.operation_rows import Case, Installation, Row, number_in

AUDIENCES = ("internal", "facility", "provider")
# Ending → the campaign's state at the end, what became of the notice on the trail, its newest run in Prefect
ENDINGS = {
    "approve": ("completed", "outbox", "Completed"),
    "reject": ("refused", None, "Rejected"),
    "withdraw": ("cancelled", None, "Withdrawn"),
    "expire": ("refused", None, "Expired"),
    "lost before": ("completed", "outbox", "Completed"),
    "lost after": ("completed", "outbox", "Completed"),
}
ALL = [
    Case("notice", AUDIENCES[(row + place) % len(AUDIENCES)], ending)
    for row in range(len(AUDIENCES))
    for place, ending in enumerate(ENDINGS)
]
OF_SUITE = [
    Case("notice", "internal", "lost after", early=True),
]


def ask(office: Installation, row: Row) -> None:
    """It is in the list of what waits as soon as the command has ended."""
    given = {}
    if row.case.ending == "expire":
        given = {"environment": {"COHORT_RELEASE__APPROVAL_HOURS": str(10 / 3600)}}
    words = ("notify", str(row.operation), "--to", row.case.way, "--reason", "the table", "--yes")
    said = office.type(row, *words, me="ann", **given)
    row.campaign = number_in(said, r"The notice is campaign (\d+)")
    if row.case.ending != "expire":
        assert _approval(office, row)
        assert f"cohort approvals show {_approval(office, row)}" in row.hints


def wait(office: Installation, row: Row) -> None:
    """Until its run waits for the decision."""
    if not row.case.early:
        office.wait_for_run(row, "Suspended", "Expired")


def decide(office: Installation, row: Row) -> None:
    """By what is typed, and by what befalls its run."""
    match row.case.ending:
        case "reject":
            said = office.type(row, "reject", _approval(office, row), "--note", "not now", me="mia")
            assert "goes on" not in said
        case "withdraw":
            office.type(row, "cancel", str(row.campaign), "--yes", me="ann")
            office.start("settle/settle")  # which ends runs that wait for nothing any more
        case "expire":
            while _approval(office, row):
                time.sleep(1)
                office.type(row, "approvals", "stale")
            office.start("settle/settle")
        case "lost after":
            with office.no_run_begins():
                number = _approval(office, row)
                office.type(row, "approve", number, "--note", "seen", me="mia")
                office.lose_run(row)
            office.type(row, "approvals", "resume", number, me="mia")
        case ending:
            if ending == "lost before":
                office.lose_run(row)
            office.type(row, "approve", _approval(office, row), "--note", "seen", me="mia")


def end(office: Installation, row: Row) -> None:
    """Until its newest run has ended as it should."""
    office.wait_for_run(row, ENDINGS[row.case.ending][2])


def agree(office: Installation, row: Row) -> None:
    """The campaign, what waits for approval, the operation's notices, the trail and Prefect say the same."""
    state, told, of_run = ENDINGS[row.case.ending]
    shown = office.office.rows("show", str(row.campaign))
    assert shown["state"] == state, "\n".join(row.told)
    assert _approval(office, row) == ""
    notices = {each["campaign_id"]: each for each in office.shown(row)["notices"]}
    assert notices[row.campaign]["audience"] == row.case.way
    trail = office.office.rows("audit", "list", "--campaign", str(row.campaign))
    ended = [act["outcome"] for act in trail if act["operation_type"] == "notification"]
    assert ended == ([told] if told else [])
    run = office.run(row)
    assert run is not None
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run.id).state_name == of_run


def _approval(office: Installation, row: Row) -> str:
    """The number of the request that waits for it; empty: none does."""
    waiting = office.office.rows("approvals")
    found = [each["id"] for each in waiting if each["subject_id"] == row.campaign
             and each["subject"] == "campaign"]  # fmt: skip
    return str(found[0]) if found else ""
