"""What a person does by hand in an operation, typed from the selection to the trail; only the run is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.change.operations import get_operation
from clinic.record.database import Record
from tests.cli.office import Office
from tests.cli.operations.by_hand import approved, asked, office_of, seen, typed
from tests.clinic.change.practice import column, die, update, visits

IN_TEN_YEARS = 3653


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    """Ann asks, Mia approves; nine patients with P1 at F1, three of them with booked visits."""
    office = office_of(sqlite_record, tmp_path, count=9)
    visits(sqlite_record, [(n, n, 1, 1, IN_TEN_YEARS + n) for n in (2, 3, 5)])
    return office


@pytest.mark.parametrize(
    ("to", "code"), [("On Hold", "on_hold"), ("DISCHARGED", "discharged"), ("on_hold", "on_hold")]
)
def test_a_status_is_typed_as_people_say_it_and_a_wrong_one_is_told_the_list(
    office: Office, to: str, code: str
) -> None:
    """ALC-14, ALC-15: the number, the names, and who cannot be changed and why."""
    record = office.open()
    die(record, 4)
    review = asked(office, "L2 L4 L7", "status", "--to", to)
    assert "3 selected: 2 will be changed" in review
    for says in ("L2 Given Family2 status active", "L7 Given Family7 status active", "L4"):
        assert says in review
    wrong = typed(
        office, "operations", "status", "1", "--to", "asleep", "--reason", "r", "--yes", code=2
    )
    for allowed in ("active", "on_hold", "discharged"):
        assert allowed in wrong
    approved(office, "1")
    assert {n: s for n, s in column(record, "status").items() if n in (2, 4, 7, 8)} == {
        2: code, 4: "active", 7: code, 8: "active",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("how", "gets"),
    [
        (("provider", "--to", "P2"), {"P2": 3}),
        (("provider", "--to", "P2", "--to", "P3", "--by", "even"), {"P2": 2, "P3": 1}),
        (("facility", "--to", "F2", "--provider", "default"), {"P3": 3}),
    ],
)
def test_providers_are_given_by_name_evenly_or_by_default_and_the_approver_sees_what_each_gets(
    office: Office, how: tuple[str, ...], gets: dict[str, int]
) -> None:
    """ALC-19, NEW-21: counted in the review as in the approval, and so it comes."""
    asked(office, "L1 L4 L6", *how)
    told = office.rows("approvals", "show", "1")
    assert {
        each["provider"][:2]: each["gets"] for each in told["providers"] if each["gets"]
    } == gets
    approved(office, "1")
    now = list(column(office.open(), "provider_id").values())
    assert {f"P{n}": now.count(n) for n in {2, 3, 4} & set(now)} == gets


def test_the_approver_sees_what_follows_and_what_changed_until_the_decision(office: Office) -> None:
    """NEW-21, ALC-15, ALC-34: visits, follow-ups, not found; judged again as it is decided."""
    words = ("provider", "--to", "P3", "--visits", "cancel")
    asked(office, "L2 L3 L6 NOBODY7", *words)
    told = office.rows("approvals", "show", "1")
    assert {each["code"]: each["count"] for each in told["impact"]}["cancelled"] == 2
    shown = seen(office, "approvals", "show", "1")
    assert "4 given, 3 found, 1 not found: NOBODY7" in shown
    record = office.open()
    update(record, 6, mobile="07700900123")  # nobody decides by it
    still = office.rows("approvals", "show", "1")["checklist"]
    assert all(each["holds"] is not False for each in still)
    die(record, 3)
    stopped = typed(office, "approve", "1", "--note", "seen", me="mia", code=3)
    assert "1 patient is deceased since the review" in stopped
    assert get_operation(record, 1).state == "waiting"
    approved(office, "1", "--override", "the others are right")
    assert {n: p for n, p in column(record, "provider_id").items() if n in (2, 3, 6)} == {
        2: 3, 3: 1, 6: 3,
    }  # fmt: skip


def test_what_is_left_to_do_is_listed_by_team_ticked_unticked_and_on_the_trail(
    office: Office,
) -> None:
    """ALC-23: who and when; an operation that is none is an error, and no empty list."""
    asked(office, "L2 L5 L8", "provider", "--to", "P2", "--visits", "cancel")
    approved(office, "1")
    left = office.rows("follow-ups", "--team", "scheduling")
    assert [(each["code"], each["count"]) for each in left] == [("reschedule_visits", 2)]
    number = left[0]["number"]
    every = len(office.rows("follow-ups"))
    assert f"Follow-up {number} is done by ann" in typed(office, "follow-ups", "tick", number)
    assert office.rows("follow-ups", "--team", "scheduling") == []
    assert [each["done_by"] for each in office.rows("follow-ups", "--all", "--team", "scheduling")] == [
        "ann"
    ]  # fmt: skip
    typed(office, "follow-ups", "untick", number, me="mia")
    assert len(office.rows("follow-ups", "--operation", "1")) == every
    trail = [
        (act["operator"], act["operation_type"])
        for act in office.rows("audit", "list", "--operation", "1")
    ]
    assert {("ann", "follow-up.done"), ("mia", "follow-up.reopened")} <= set(trail)
    assert office.run("audit", "verify").exit_code == 0
    for unknown in (("tick", "1.99"), ("--operation", "77")):
        me = {"me": "ann"} if unknown[0] == "tick" else {}
        refused = office.run("follow-ups", *unknown, **me)
        assert (refused.exit_code, "unknown" in refused.output) == (2, True), refused.output


def test_an_auditor_finds_a_typed_operation_by_number_patient_operator_and_day(
    office: Office, tmp_path: Path
) -> None:
    """ALC-41: the export is itself on the trail."""
    update(office.open(), 3, nhs_number="9990010064")
    asked(office, "L3 L9", "status", "--to", "on_hold")
    approved(office, "1")
    for found in (
        office.rows("audit", "list", "--operation", "1"),
        office.rows("audit", "list", "--by", "ann", "--since", "2001-01-01"),
        *(
            office.rows("audit", "list", "--patient", own, "--reason", "audit", me="mia")
            for own in ("L3", "999 001 0064", "L9")
        ),
    ):  # fmt: skip
        assert "status" in {act["operation_type"] for act in found}
    nobody = office.run("audit", "list", "--patient", "L55", "--reason", "audit", me="mia")
    assert (nobody.exit_code, "patient-unknown" in nobody.output) == (2, True)
    file = tmp_path / "trail.csv"
    typed(office, "audit", "export", str(file), me="mia")
    assert "9990010064" in file.read_text(encoding="utf-8-sig")
    assert "audit.exported" in {act["operation_type"] for act in office.rows("audit", "list")}


def test_who_may_not_decide_is_offered_nothing_and_refused(office: Office) -> None:
    """ALC-44: neither who asked, nor an admin, nor somebody unknown."""
    asked(office, "L1 L2", "status", "--to", "on_hold")
    for name, offered in (("mia", True), ("ann", False)):
        assert ("cohort approve 1" in seen(office, "approvals", "show", "1", me=name)) is offered
    for name in ("root", "stranger"):
        refused = office.run("approvals", "show", "1", environment={"COHORT_OPERATOR": name})
        assert refused.exit_code == 3
        assert "cohort approve 1" not in refused.output
    for name in ("ann", "root"):
        typed(office, "approve", "1", "--note", "x", me=name, code=3)
    assert get_operation(office.open(), 1).state == "waiting"
