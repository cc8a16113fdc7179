"""Who is asked for, who decides, what comes and what the trail keeps of it: all of it typed, as by hand."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from clinic.record.database import Record
from tests.cli.office import SECRET, Office
from tests.cli.operations.by_hand import (
    approval_of,
    approved,
    asked,
    newest,
    office_of,
    seen,
    selected,
    typed,
)
from tests.clinic.change.practice import column, update

# What each kind is asked for with
KINDS = {
    "status": ("--to", "On Hold"),
    "provider": ("--to", "Dr 2"),
    "facility": ("--to", "South"),
    "tag": ("--add", "B"),
    "attribute": ("--field", "insurance_plan", "--value", "Gold"),
    "export": ("--what", "clinical", "--format", "csv", "--purpose", "care", "--recipient", "ICB"),
    "visit": ("--type", "wellness", "--from", "2099-03-09", "--to", "2099-03-13"),
}


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    """Eight patients of two facilities, three providers and three statuses, registered on eight days."""
    office = office_of(sqlite_record, tmp_path, count=8)
    for n in range(1, 9):
        update(sqlite_record, n, registered_on=date(2024, 3, n), nhs_number=NHS[n - 1])
    update(sqlite_record, 2, status="on_hold", provider_id=2)
    update(sqlite_record, 5, status="on_hold", facility_id=2, provider_id=3)
    update(sqlite_record, 7, status="discharged", facility_id=2, provider_id=3)
    update(sqlite_record, 8, provider_id=None, insurance_plan="Silver")
    return office


NHS = [
    "9990010013", "9990010021", "9990010048", "9990010056",
    "9990010064", "9990010072", "9990010080", "9990010099",
]  # fmt: skip
FILTERED = [
    (("--status", "On Hold"), {2, 5}),
    (("--status", "discharged", "--status", "ON_HOLD"), {2, 5, 7}),
    (("--facility", "South"), {5, 7}),
    (("--provider", "dr 3", "--status", "on hold"), {5}),
    (("--provider", "P2", "--provider", "P3"), {2, 5, 7}),
    (("--no-provider",), {8}),
    (("--insurance-plan", "Silver"), {8}),
    (("--from", "03/03/2024", "--to", "2024-03-05"), {3, 4, 5}),
    (("--from", "2024-03-06", "--facility", "F1"), {6, 8}),
]


def names(office: Office, number: str) -> set[int]:
    """Whom the review names."""
    shown = office.rows("operations", "show", number, "--limit", "50")
    return {NHS.index(each["own_id"]) + 1 for each in shown["patients"]}


@pytest.mark.parametrize(("words", "who"), FILTERED)
def test_a_filter_selects_exactly_those_meant(
    office: Office, words: tuple[str, ...], who: set[int]
) -> None:
    """ALC-9, ALC-10: by status, facility, provider and dates of registration, and by several of them."""
    typed(office, "operations", "select", *words)
    typed(office, "operations", "tag", "1", "--add", "a", "--reason", "r", "--yes", "--no-run")
    assert names(office, "1") == who


@pytest.mark.parametrize(
    ("how", "who"),
    [
        ("file", {1, 3, 6}), ("excel paste", {2, 4}), ("search", {7}), ("picked", {5, 6}),
    ],
)  # fmt: skip
def test_ids_and_names_select_exactly_those_meant(
    office: Office, tmp_path: Path, how: str, who: set[int]
) -> None:
    """ALC-11 to ALC-13: a file of ids, a pasted column, a search of which some are picked."""
    file = tmp_path / "of the ward.csv"
    file.write_text(f'"MRN";"NHS Number"\nL3;\n;{NHS[0]}\nL6;{NHS[5]}\n', encoding="utf-8")
    spaced = f"{NHS[1][:3]} {NHS[1][3:6]} {NHS[1][6:]}"
    record = office.open()
    update(record, 5, family_name="Quill")
    update(record, 6, family_name="Quilliam")
    words, pasted = {
        "file": ((str(file),), ""),
        "excel paste": (
            ("--ids-from", "-"),
            f'\ufeffNHS Number\t\r\n{spaced}\t\r\n="{NHS[3]}"\t\r\n',
        ),
        "search": (("--search", "Family7", "--pick", "1"), ""),
        "picked": (("--search", "quill", "--pick", "1,2"), ""),
    }[how]
    typed(office, "operations", "select", *words, pasted=pasted)
    typed(office, "operations", "tag", "1", "--add", "a", "--reason", "r", "--yes", "--no-run")
    assert names(office, "1") == who


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_decided_with_all_before_the_approver_and_never_by_who_may_not(
    office: Office, kind: str
) -> None:
    """ALC-9, ALC-33, ALC-34, ALC-44: who and how many, what, why, what follows, and the checklist."""
    number = selected(office, "L1 L3 L4")
    words = ("operations", kind, number, *KINDS[kind], "--reason", "the ward closes", "--yes")
    refused = typed(office, *words, me="root", code=3)
    assert "right-missing" in refused
    assert office.rows("operations", "list") == []
    typed(office, *words, code=4)
    approval = approval_of(office, "1")
    shown = seen(office, "approvals", "show", approval)
    for says in (
        "the ward closes",
        "ann",
        "3 selected: 3 will be",
        "No patient is locked",
        *(NHS[n - 1] for n in (1, 3, 4)),
    ):
        assert says in shown
    for name in ("ann", "root"):
        typed(office, "approve", approval, "--note", "x", me=name, code=3)
    typed(office, "reject", approval, "--note", "not this week", me="mia")
    assert "not this week" in seen(office, "operations", "show", "1", me="ann")
    assert set(column(office.open(), "version").values()) <= {2, 3}  # as they were before


def test_what_failed_wholly_says_so_and_is_put_right_and_asked_for_again(office: Office) -> None:
    """ALC-37: nothing processed; the error is shown; corrected; resubmitted."""
    number = selected(office, "L1 L3")
    words = ("operations", "provider", number, "--reason", "r", "--yes")
    wrong = typed(office, *words, "--to", "Dr Nobody", code=2)
    assert "P1" in wrong
    assert "P4" in wrong
    assert office.rows("operations", "list") == []
    typed(office, *words, "--to", "P2", code=4)
    record = office.open()
    for n in (1, 3):
        update(record, n, provider_id=4)  # somebody was quicker, for all of them
    stopped = typed(office, "approve", "1", "--note", "seen", me="mia", code=3)
    assert "2 of 2 patients were changed since" in stopped
    approved(office, "1", "--override", "let it try")
    shown = seen(office, "operations", "show", "1", me="ann")
    assert "conflict" in shown
    assert {column(record, "provider_id")[n] for n in (1, 3)} == {4}
    typed(office, "operations", "rerun", "1", "--yes", code=4)
    approved(office, newest(office))
    assert {column(record, "provider_id")[n] for n in (1, 3)} == {2}


def test_the_trail_of_an_operation_has_all_that_is_asked_of_it(office: Office) -> None:
    """ALC-40: when, operator, approver, kind, patients by id, old values, new values, reason."""
    asked(office, "L2 L6", "status", "--to", "Discharged")
    approved(office, "1")
    told = office.rows("audit", "show", "1", me="mia")
    assert {each["local_id"]: (each["old_values"], each["new_values"]) for each in told["patients"]} == {
        "L2": ('{"status":"on_hold"}', '{"status":"discharged"}'),
        "L6": ('{"status":"active"}', '{"status":"discharged"}'),
    }  # fmt: skip
    acts = office.rows("audit", "list", "--operation", "1")
    [act] = [each for each in acts if each["approver"] and each["operation_type"] == "status"]
    assert (act["operator"], act["approver"], act["reason"]) == ("ann", "mia", "by hand")
    assert act["timestamp"].startswith(str(datetime.now(UTC).year))
    printed = seen(office, "audit", "list", "--operation", "1")
    assert "by hand" in printed


def test_an_undo_is_typed_for_some_then_for_all_and_is_undone_itself(office: Office) -> None:
    """NEW-2: each patient's own value comes back; who was changed since is left, and listed."""
    asked(office, "L1 L2 L3 L7", "status", "--to", "discharged")
    approved(office, "1")  # 7 is so already
    record = office.open()
    some = selected(office, "L7 L2")
    words = ("--reason", "not those", "--yes")
    review = typed(office, "operations", "undo", "1", "--selection", some, *words, code=4)
    assert "1 will be put back, 1 not changed by it" in review
    approved(office, newest(office))
    assert status(office) == {1: "discharged", 2: "on_hold", 3: "discharged", 7: "discharged"}
    typed(office, "operations", "undo", newest(office), *words, code=4)  # the undo is undone
    approved(office, newest(office))
    assert status(office) == dict.fromkeys((1, 2, 3, 7), "discharged")
    update(record, 3, status="on_hold")  # by hand, since
    typed(office, "operations", "undo", "1", "--partly", *words, code=4)
    last = newest(office)
    approved(office, last)
    assert status(office) == {1: "active", 2: "discharged", 3: "on_hold", 7: "discharged"}
    for outcome, own in (("later_operation", NHS[1]), ("changed_since", NHS[2])):
        assert own in seen(office, "operations", "show", last, "--outcome", outcome)
    trail = [act["operation_type"] for act in office.rows("audit", "list")]
    assert trail.count("undo") >= 3
    seen(office, "audit", "verify")
    shown = office.rows("audit", "list", "--patient", "L2", "--reason", "audit", me="mia")
    assert {act["operation_type"] for act in shown} >= {"status", "undo"}


def status(office: Office) -> dict[int, str]:
    """Of the four."""
    return {n: value for n, value in column(office.open(), "status").items() if n in (1, 2, 3, 7)}


FORGED = [
    ("operation", "UPDATE operation SET requested_by = 'eve'"),
    ("operation", "UPDATE operation SET reason = 'they asked for it'"),
    ("approval", "UPDATE approval SET decided_by = 'max'"),
    ("approval", "UPDATE approval SET note = 'seen twice'"),
    ("operator", "UPDATE operator SET role = 'manager' WHERE name = 'zoe'"),
    ("operation_item", "UPDATE operation_item SET old = 'discharged' WHERE patient_id = 1"),
    ("audit_act", "UPDATE audit_act SET operator = 'eve'"),
    ("audit_act", "DELETE FROM audit_act WHERE number = (SELECT max(number) FROM audit_act)"),
    ("operation_item", "DELETE FROM operation_item WHERE patient_id = 3"),
]


@pytest.mark.parametrize(("table", "statement"), FORGED)
def test_who_edits_the_database_is_found_by_a_command(
    office: Office, table: str, statement: str
) -> None:
    """NEW-10: requester, reason, decider, note, role, old value, an act, an act or an item taken away."""
    adding = ("operators", "add", "zoe", "--role", "operator")
    assert office.run(*adding, me="root", new_secret=SECRET).exit_code == 0
    asked(office, "L1 L3", "status", "--to", "on hold")
    approved(office, "1")
    seen(office, "audit", "verify")
    with closing(sqlite3.connect(office.url.removeprefix("sqlite:///"))) as database:
        of_table = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?"
        for (name,) in database.execute(of_table, (table,)).fetchall():
            database.execute(f"DROP TRIGGER {name}")
        assert database.execute(statement).rowcount > 0
        database.commit()
    assert office.run("audit", "verify").exit_code == 5
