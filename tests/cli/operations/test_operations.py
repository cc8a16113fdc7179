"""`cohort operations` as its people type it: select, ask, look, undo."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.change.operations import get_operation
from clinic.change.review.deciding import decide
from clinic.clock import SystemClock
from clinic.record.database import Record
from clinic.record.schema.change import operation
from tests.cli.office import Office, hire
from tests.clinic.change.practice import (
    MANAGER,
    SETTINGS,
    applied,
    column,
    patients,
    places,
    update,
    visits,
)
from tests.fakes import FakeClock

TEN_YEARS = 3653


@pytest.fixture
def office(sqlite_record: Record, tmp_path: Path) -> Office:
    """Ann may ask, Mia may approve; six patients."""
    (tmp_path / "home").mkdir()
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    places(sqlite_record)
    patients(sqlite_record)
    return office


def ask(office: Office, *words: str) -> str:
    """Ann asks, without starting a run; what she sees."""
    result = office.run("operations", *words, "--reason", "a test", "--yes", "--no-run", me="ann")
    assert result.exit_code == 0, result.output
    return result.output


def carried_out(office: Office, record: Record, clock: FakeClock, operation_id: int) -> None:
    """What its run does: asks, Mia approves, all is applied."""
    from clinic.change.review.approve import ask as ask_for_approval

    ask_for_approval(record, clock, SETTINGS, operation_id, flow_run_id=None)
    number = get_operation(record, operation_id).approval_id or 0
    decide(record, clock, number, operator=MANAGER, decision="approved", note="")
    applied(record, clock, operation_id)


def test_a_filter_is_selected_and_the_review_names_everybody(office: Office) -> None:
    """ALC-9, ALC-10, ALC-15, ALC-33, ALC-34, ALC-46: names and ids, who cannot and why, the caution."""
    update(office.open(), 2, status="on_hold")
    taken = office.rows("operations", "select", "--facility", "F1", me="mia")
    assert taken["outcomes"] == {"selected": 6}
    said = ask(office, "status", "1", "--to", "on_hold")
    for words in (
        "Given Family1",
        "L1",
        "already_so",
        "cannot easily be undone",
        "No patient is locked",
    ):
        assert words in said
    shown = office.rows("operations", "show", "1")
    assert (shown["operation"]["state"], shown["operation"]["will_change"]) == ("planned", 5)


def test_ids_are_pasted_or_come_in_a_file(office: Office, tmp_path: Path) -> None:
    """ALC-11, ALC-12: each row has its outcome."""
    update(office.open(), 1, nhs_number="9990000018")
    pasted = office.rows(
        "operations", "select", "--ids-from", "-", typed="L2, L3\nL3 nobody", me="mia"
    )
    assert pasted["outcomes"] == {"duplicate": 1, "patient_not_found": 1, "selected": 2}
    path = tmp_path / "ids.csv"
    path.write_text("NHS Number,Name\n999 000 0018,=cmd()\n9990000026,B\n", encoding="utf-8")
    assert office.rows("operations", "select", str(path), me="mia")["outcomes"] == {
        "patient_not_found": 1,
        "selected": 1,
    }


def test_patients_are_searched_and_picked(office: Office) -> None:
    """ALC-13."""
    found = office.run("operations", "select", "--search", "family", "--pick", "1,3", me="mia")
    assert "selected\t2" in found.output
    nobody = office.run(
        "operations", "select", "--search", "nobody at all", "--pick", "1", me="mia"
    )
    assert (nobody.exit_code, "nobody-found" in nobody.output) == (2, True)
    unknown = office.run("operations", "select", "--search", "family", "--pick", "9", me="mia")
    assert "picked-unknown" in unknown.output


def test_all_of_those_found_are_picked_and_json_is_all_that_is_printed(office: Office) -> None:
    """ALC-13: pages are for looking; a script gets JSON and no table."""
    patients(office.open(), 130, first=1000)
    every = office.rows("operations", "select", "--search", "family", "--pick", "All", me="mia")
    assert every["outcomes"] == {"selected": 136}
    unsaid = office.run("operations", "select", "--search", "family", "--json", me="mia")
    assert (unsaid.exit_code, "--pick all" in unsaid.output) == (2, True)


@pytest.mark.parametrize("scheme", ["generic", "emis", "systmone"])
def test_files_of_ids_alone_are_selected_and_what_was_not_found_is_named_to_who_decides(
    office: Office, tmp_path: Path, scheme: str
) -> None:
    """ALC-11, ALC-15: under every layout of messages; in the review, the approval, a list and a file."""
    from clinic.change.review.approve import ask as ask_for_approval

    update(office.open(), 1, nhs_number="9990000018")
    office.environment["COHORT_ORGANISATION__ID_SCHEME"] = scheme
    one, two = tmp_path / "one.csv", tmp_path / "two.txt"
    one.write_text("NHS Number,MRN\n999 000 0018,L2\n,L2\n,X9\n", encoding="utf-8")
    two.write_text('\ufeff"L2"\t\r\nL3\r\n9990000019\r\n', encoding="utf-8")
    said = office.run(
        "operations", "select", str(one), str(two), "--search", "Family4", "--pick", "all", me="ann"
    )
    assert said.exit_code == 0, said.output
    for part in ("file one.csv\t3\t1", "file two.txt\t3\t1", "search\t1\t1"):
        assert part in said.output
    assert "cohort operations selection 1 --not-selected" in said.output
    odd = tmp_path / "odd.csv"
    odd.write_text("MRN,Note\nL1,a\nL2,b,c\n", encoding="utf-8")
    uneven = office.run("operations", "select", str(odd), me="ann").output
    assert "odd.csv: 1 × unreadable_row (rows 3)" in uneven
    lost = office.run("operations", "select", "--ids-from", "-", typed="X7 9990000019", me="ann")
    assert (lost.exit_code, "nhs_number_invalid 1, patient_not_found 1" in lost.output) == (2, True)
    assert "pasted ids row 1: X7: patient_not_found" in lost.output
    assert "pasted ids row 2: 9990000019: nhs_number_invalid" in lost.output
    told = (
        "6 given, 2 found, 1 not found: X9; 1 with a wrong check digit: 9990000019; "
        "1 that contradict each other: 999 000 0018 / L2; 1 selected already"
    )
    assert told in " ".join(ask(office, "status", "1", "--to", "On Hold").split())
    ask_for_approval(office.open(), SystemClock(), SETTINGS, 1, flow_run_id=None)
    assert told in " ".join(office.run("approvals", "show", "1").output.split())
    rows = office.rows("operations", "show", "1", "--not-found")
    assert [(row["part"], row["row"], row["outcome"]) for row in rows] == [
        ("file one.csv", 2, "ids_contradict"),
        ("file one.csv", 4, "patient_not_found"),
        ("file two.txt", 3, "nhs_number_invalid"),
    ]
    path = tmp_path / "rows.csv"
    written = office.run("operations", "selection", "1", "--csv", str(path))
    assert (written.exit_code, "7 rows written" in written.output) == (0, True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_earlier_selections_and_filters_add_up_and_ids_are_kept_within_a_facility(
    office: Office,
) -> None:
    update(office.open(), 5, facility_id=2, provider_id=None)
    update(office.open(), 6, facility_id=2)
    office.run("operations", "select", "--no-provider", me="ann")
    taken = office.rows("operations", "select", "--selection", "1", "--facility", "South", me="ann")
    assert taken["outcomes"] == {"selected": 2, "duplicate": 1}
    words = ("operations", "select", "--selection")
    office.run("operations", "select", "--ids-from", "-", typed="L1 X9", me="ann")
    assert office.run(*words, "3", "--selection", "1", me="ann").exit_code == 0
    said = office.run("operations", "selection", "4")
    assert "selection 3: 2 given, 1 found, 1 not found: X9" in said.output
    assert "cohort operations selection 3" in said.output
    within = office.rows(
        "operations", "select", "--ids-from", "-", "--within", "F1", typed="L1 L5", me="ann"
    )
    assert within["outcomes"] == {"selected": 1, "other_facility": 1}
    nothing = office.run("operations", "select", me="ann")
    assert (nothing.exit_code, "--status" in nothing.output) == (2, True)


def test_an_approver_reads_the_same_as_json_and_on_the_screen_page_by_page(office: Office) -> None:
    """ALC-15, ALC-34: names, ids, impact, providers, checklist, reason, requester."""
    from clinic.change.review.approve import ask as ask_for_approval

    record = office.open()
    visits(record, [(1, 1, 1, 1, 7 + TEN_YEARS)])
    words = ("operations", "select", "--ids-from", "-", "--facility", "F1")
    office.run(*words, typed="L1 X8 X9", me="ann")
    ask(office, "provider", "1", "--to", "P2", "--visits", "cancel")
    ask_for_approval(record, SystemClock(), SETTINGS, 1, flow_run_id=None)
    told = office.rows("approvals", "show", "1", "--limit", "4", "--page", "1")
    on_screen = " ".join(office.run("approvals", "show", "1", "--limit", "4").output.split())
    for says in (
        told["what"], told["counts"], told["ids"], told["reason"], told["requested_by"], told["caution"],
        *(each["says"] for each in (*told["impact"], *told["checklist"], *told["outcomes"])),
        *(each["title"] for each in told["checklist"]),
        *(each["name"] for each in told["patients"]),
        *(each["provider"] for each in told["providers"]),
    ):  # fmt: skip
        assert " ".join(says.split()) in on_screen
    assert told["ids"] == "3 given, 1 found, 2 not found: X8, X9"
    shown = office.rows("operations", "show", "1", "--limit", "4")
    review = (told.keys() & shown.keys()) - {"summary"}  # the request's, and the operation's own
    assert {"operation", "counts", "ids_not_found", "impact", "checklist", "patients"} <= review
    assert {key: told[key] for key in review} == {key: shown[key] for key in review}
    assert [row["given"] for row in told["ids_not_found"]] == ["X8", "X9"]
    assert told["ids_by_outcome"] == {"selected": 1, "patient_not_found": 2}
    assert {each["code"]: each["count"] for each in told["impact"]}["cancelled"] == 1
    assert [each["over"] for each in told["providers"]] == [0, 2]
    assert {c["code"]: c["holds"] for c in told["checklist"]}["capacity"] is False
    shown = ("approvals", "show", "1", "--limit", "4", "--page")
    pages = [
        [line["own_id"] for line in office.rows(*shown, page)["patients"]]
        for page in ("1", "2", "3")
    ]
    assert [len(page) for page in pages] == [4, 3, 0]
    assert {own for page in pages for own in page} == {f"L{n}" for n in range(1, 7)}


def test_who_is_not_proven_asks_for_nothing(office: Office) -> None:
    """ALC-44: otherwise one could ask in another's name, and approve oneself."""
    office.run("operations", "select", "--facility", "F1", me="mia")
    words = ("operations", "status", "1", "--to", "on_hold", "--reason", "r", "--yes", "--no-run")
    for who, secret in (("ann", "wrong"), ("root", None)):
        result = office.run(*words, me=who, secret=secret)
        assert result.exit_code == 3
    with office.open().read() as connection:
        assert connection.execute(operation.select()).all() == []


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (("status", "1", "--to", "discharged"), "status", "discharged"),
        (("provider", "1", "--to", "dr 3", "--visits", "cancel"), "provider_id", 3),
        (("facility", "1", "--to", "south", "--provider", "default"), "facility_id", 2),
        (("tag", "1", "--add", "A"), "version", 2),
        (("attribute", "1", "--field", "postcode", "--tidy"), "postcode", "AB1 2CD"),
    ],
)
def test_every_kind_is_asked_for_carried_out_shown_and_undone(
    office: Office, clock: FakeClock, words: tuple[str, ...], field: str, value: object
) -> None:
    """ALC-1 to ALC-5, ALC-38."""
    record = office.open()
    before = column(record, field)
    visits(record, [(1, 1, 1, 1, 7)])
    office.run("operations", "select", "--facility", "F1", me="mia")
    ask(office, *words)
    carried_out(office, record, clock, 1)
    assert set(column(record, field).values()) == {value}
    shown = office.run("operations", "show", "1", "--outcome", "will_change")
    assert "changed" in shown.output
    assert "done" in office.run("operations", "list").output
    ask(office, "undo", "1")
    carried_out(office, record, clock, 2)
    if field != "version":
        assert column(record, field) == before


def test_what_remains_to_be_done_is_listed(office: Office, clock: FakeClock) -> None:
    """ALC-20, ALC-23."""
    record = office.open()
    visits(record, [(1, 1, 1, 1, 7 + TEN_YEARS)])  # the program has the real clock
    office.run("operations", "select", "--facility", "F1", me="mia")
    ask(office, "provider", "1", "--to", "P3", "--visits", "cancel")
    carried_out(office, record, clock, 1)
    codes = {task["code"] for task in office.rows("operations", "show", "1")["follow_ups"]}
    assert codes == {"notify_provider", "reschedule_visits"}
    assert "Book the cancelled visits again." in office.run("operations", "show", "1").output
    assert "L1\t9 Mar 2036" in office.run("operations", "visits", "1").output
    unknown = office.run("operations", "visits", "99")
    assert (unknown.exit_code, "operation-unknown" in unknown.output) == (2, True)


def test_a_rerun_asks_for_the_failed_part_alone(office: Office, clock: FakeClock) -> None:
    """ALC-36."""
    from clinic.change.review.approve import ask as ask_for_approval

    record = office.open()
    office.run("operations", "select", "--facility", "F1", me="mia")
    ask(office, "status", "1", "--to", "on_hold")
    ask_for_approval(record, clock, SETTINGS, 1, flow_run_id=None)
    update(record, 4, status="discharged")
    decide(record, clock, 1, operator=MANAGER, decision="approved", note="", override="wanted")
    applied(record, clock, 1)
    update(record, 4, status="active")
    result = office.run("operations", "rerun", "1", "--yes", "--no-run", me="ann")
    assert result.exit_code == 0, result.output
    assert office.rows("operations", "show", "2")["operation"]["selected"] == 1


def test_nothing_is_asked_for_unless_somebody_says_so(office: Office) -> None:
    office.run("operations", "select", "--facility", "F1", me="mia")
    words = ("--reason", "r")
    result = office.run("operations", "status", "1", "--to", "on_hold", *words, me="ann")
    assert (result.exit_code, "not-confirmed" in result.output) == (3, True)


@pytest.mark.parametrize("yes", [(), ("--yes",)])
def test_what_is_only_to_be_stored_is_stored_and_its_hint_asks_for_it(
    office: Office, yes: tuple[str, ...]
) -> None:
    """As its help says, with `--yes` or without: no question, nothing withdrawn, nobody asked to approve it."""
    office.run("operations", "select", "--facility", "F1", me="mia")
    words = ("operations", "status", "1", "--to", "on_hold", "--reason", "r", "--no-run")
    stored = office.run(*words, *yes, me="ann")
    assert (stored.exit_code, "cohort operations resume 1" in stored.output) == (0, True)
    assert [row["state"] for row in office.rows("operations", "list")] == ["planned"]
    assert office.rows("approvals") == []


def test_who_declines_at_the_question_has_withdrawn_and_asks_again_by_rerun(office: Office) -> None:
    office.run("operations", "select", "--facility", "F1", me="mia")
    words = ("operations", "status", "1", "--to", "on_hold", "--reason", "r")
    declined = office.run(*words, me="ann")
    assert "cohort operations rerun 1" in declined.output
    assert [row["state"] for row in office.rows("operations", "list")] == ["withdrawn"]
    again = office.run("operations", "rerun", "1", "--yes", "--no-run", me="ann")
    assert (again.exit_code, "cohort operations withdraw 2" in again.output) == (0, True)
    other = office.run("operations", "withdraw", "2", me="mia")
    assert (other.exit_code, "withdraw-other" in other.output) == (3, True)
    own = office.run("operations", "withdraw", "2", me="ann")
    assert (own.exit_code, "Nothing was changed" in own.output) == (0, True)
    assert [row["state"] for row in office.rows("operations", "list")] == ["withdrawn"] * 2


def test_an_operation_that_has_ended_is_not_resumed(office: Office, clock: FakeClock) -> None:
    office.run("operations", "select", "--facility", "F1", me="mia")
    ask(office, "status", "1", "--to", "on_hold")
    carried_out(office, office.open(), clock, 1)
    result = office.run("operations", "resume", "1", me="mia")
    assert (result.exit_code, "operation-ended" in result.output) == (3, True)


def test_an_approver_overrides_the_checklist_by_name_and_reason_or_is_refused(
    office: Office,
) -> None:
    """ALC-34: typed; each try is on the trail, and what is overridden, by whom and why, is shown."""
    from clinic.change.review.approve import ask as ask_for_approval

    record = office.open()
    office.run("operations", "select", "--facility", "F1", me="mia")
    ask(office, "provider", "1", "--to", "P4")  # has room for two of the six
    ask_for_approval(record, SystemClock(), SETTINGS, 1, flow_run_id=None)
    stopped = office.run("approve", "1", "--note", "seen", me="mia")
    said = " ".join(stopped.output.split())
    assert stopped.exit_code == 3
    assert "P4 Dr 4 would have 6 patients, 4 more than 2" in said
    assert "--override" in said
    given = office.run("approve", "1", "--note", "seen", "--override", "a locum comes", me="mia")
    assert "Request 1 is approved by mia" in given.output
    assert "P4 Dr 4\t6\t0\t6\t2\t4" in given.output  # what follows, counted as it is decided
    note = "seen [overrides capacity: a locum comes]"
    assert office.rows("approvals", "show", "1")["note"] == note
    tries = [
        (act["operation_type"], act["approver"], act["outcome"], act["reason"])
        for act in office.rows("audit", "list")
        if act["operation_type"] in ("approval.refused", "approval.approved")
    ]
    assert sorted(tries, key=str) == [
        ("approval.approved", "mia", "done", note),
        ("approval.refused", None, "checklist-failed", "seen [failed: capacity]"),
    ]
