"""Bulk operations in pages: chosen, asked for, looked at, followed, put back (ALC-9 to 15, 33 to 38, 44)."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.exported import export
from clinic.change.operations import get_operation, list_operations
from clinic.change.review.deciding import decide
from clinic.change.run.apply import apply_chunk, begin, chunks_left
from clinic.govern.people.facilities import set_facilities
from clinic.govern.people.operators import get_operator
from clinic.record.schema.change import selection
from clinic.record.schema.govern import access_log
from desk.staff.routes import PAGES
from tasks.wiring import Wiring
from tests.clinic.change.practice import column, die, update
from tests.desk.operations.asked import carried_out, furnish, planned, selected, waiting
from tests.desk.visitors import Visitor

REASON = {"reason": "closing the branch"}


@pytest.fixture
def olwen(visitor: Visitor, parts: Wiring) -> Visitor:
    """An operator at a practice of five patients."""
    furnish(parts)
    visitor.sign_in("olwen")
    return visitor


def post(visitor: Visitor, path: str, values: dict[str, Any] | None = None, **more: Any) -> Any:
    """A form of the desk."""
    return visitor.send(path, values or {}, seen_at="/sessions", **more)


def approve(parts: Wiring, number: int) -> None:
    """By Mair, whatever may be overridden."""
    decide(
        parts.record, parts.clock, get_operation(parts.record, number).approval_id or 0,
        operator=get_operator(parts.record, "mair"), decision="approved", note="yes", override="wanted",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("form", "patients"),
    [
        ({"how": "ids", "ids": "L1, L2 X9\nL2"}, 2),
        ({"how": "filter", "status": ["active"], "facility": ["F1"]}, 5),
        ({"how": "filter", "status": ["active"], "no_provider": "yes", "provider": ["P1"]}, 5),
        ({"how": "ticked", "patient": ["1", "3"]}, 2),
        ({"how": "ticked", "all": "yes", "search": "family"}, 5),
    ],
)
def test_patients_are_named_by_filter_paste_or_ticks(
    olwen: Visitor, form: dict[str, Any], patients: int
) -> None:
    """ALC-10, 12, 13: each way ends in a stored selection, whose address has a number alone."""
    answer = post(olwen, "/operations/new", form)
    assert answer.url.path == "/operations/new/1"
    assert f"Selection 1: {patients} patients" in answer.text
    if form["how"] == "ids":
        assert "X9" in answer.text
        assert "No patient of this record has this id" in answer.text


def test_patients_are_named_by_a_file_which_is_gone_afterwards(
    olwen: Visitor, parts: Wiring
) -> None:
    """ALC-11: read in a private folder of the home."""
    file = {"file": ("../../ids.csv", b"Local ID\nL4\nL5\nL77\n", "text/csv")}
    answer = post(olwen, "/operations/new", {"how": "file"}, files=file)
    assert "Selection 1: 2 patients" in answer.text
    left = [path for path in parts.settings.home.rglob("*") if path.name.endswith("ids.csv")]
    assert left == []


def test_a_search_shows_whom_to_tick_and_is_in_no_address(olwen: Visitor, parts: Wiring) -> None:
    """ALC-13: what is typed may be a name; the look is on the access log."""
    answer = post(olwen, "/operations/new", {"how": "search", "search": "Family3"})
    assert (answer.url.path, answer.url.query) == ("/operations/new", b"")
    assert "Given Family3" in answer.text
    assert "Given Family2" not in answer.text
    with parts.record.read() as connection:
        log = connection.execute(sa.select(access_log.c.subject, access_log.c.patients)).all()
    assert [tuple(row) for row in log] == [("search", 1)]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({}, "Choose how you name the patients"),
        ({"how": "ids", "ids": " "}, "holds no ids"),
        ({"how": "ids", "ids": "X1 X2"}, "patient_not_found 2"),
        ({"how": "filter"}, "at least one thing"),
        ({"how": "filter", "from": "yesterday"}, "2026-03-31"),
        ({"how": "file"}, "Choose a file"),
        ({"how": "search", "search": ""}, "Type a name"),
        ({"how": "search", "search": "Nobody"}, "No patient"),
        ({"how": "ticked"}, "Tick at least one"),
        ({"how": "selection", "selection": "x"}, "number of a selection"),
    ],
)
def test_a_slip_in_choosing_is_told_and_stores_nothing(
    olwen: Visitor, parts: Wiring, form: dict[str, str], says: str
) -> None:
    answer = post(olwen, "/operations/new", form)
    assert answer.status_code == 422
    assert says in answer.text
    with parts.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(selection)) == 0


@pytest.mark.parametrize(
    ("kind", "form", "parameters"),
    [
        ("status", {"to": "on_hold"}, {"to": "on_hold"}),
        ("provider", {"to": ["P2"], "by": "even", "visits": "keep"}, {"to": ["P2"], "visits": "keep"}),
        ("facility", {"to": "F2", "provider": "default"}, {"to": "F2", "provider": "default"}),
        ("tag", {"add": ["a"], "remove": ["b"]}, {"add": ["a"], "remove": ["b"]}),
        ("attribute", {"field": "postcode", "what": "tidy"}, {"field": "postcode", "tidy": True}),
        ("attribute", {"field": "postcode", "what": "clear"}, {"field": "postcode", "to": None}),
        ("export", {"what": "patients", "format": "csv", "purpose": "care", "recipient": "the ICB"},
         {"what": "patients", "recipient": "the ICB"}),
        ("visit", {"type": "review", "from": "2026-03-09", "to": "2026-03-13", "minutes": "10",
                   "provider": "auto"}, {"type": "review", "minutes": 10}),
    ],
)  # fmt: skip
def test_every_kind_is_asked_for_with_what_it_must_be_told(
    olwen: Visitor, parts: Wiring, kind: str, form: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """ALC-9, ALC-14: planned and looked at; nobody is asked before the requester says so."""
    number = selected(parts, (1, 2, 3))
    page = f"/operations/new/{number}/{kind}"
    assert olwen.see(page).status_code == 200
    answer = post(olwen, page, form | REASON | {"key": "k1"})
    assert answer.url.path == "/operations/1", answer.text
    found = get_operation(parts.record, 1)
    assert (found.state, found.kind, found.approval_id) == ("planned", kind, None)
    assert parameters.items() <= dict(found.parameters).items()
    assert post(olwen, page, form | REASON | {"key": "k1"}).url.path == "/operations/1"
    assert len(list_operations(parts.record)) == 1


@pytest.mark.parametrize(
    ("kind", "form", "says"),
    [
        ("status", {"to": "on_hold", "reason": ""}, "Say why"),
        ("status", {"to": "gone", "reason": "x"}, "gone"),
        ("tag", {"reason": "x"}, "name a tag"),
        ("attribute", {"field": "postcode", "what": "", "reason": "x"}, "Choose what is written"),
        ("export", {"what": "full", "format": "csv", "reason": "x"}, "xlsx only"),
        ("visit", {"type": "<i>x</i>", "minutes": "ten", "reason": "x"}, "whole number"),
    ],
)
def test_what_makes_no_sense_is_told_and_what_was_typed_stands_there_again(
    olwen: Visitor, parts: Wiring, kind: str, form: dict[str, str], says: str
) -> None:
    number = selected(parts, (1,))
    answer = post(olwen, f"/operations/new/{number}/{kind}", form)
    assert (answer.status_code, says in answer.text) == (422, True)
    assert "<i>x" not in answer.text
    assert list_operations(parts.record) == []


def test_the_review_names_who_cannot_be_changed_and_why(olwen: Visitor, parts: Wiring) -> None:
    """ALC-15: number, names and ids, reasons, old and new value, in pages."""
    die(parts.record, 2)
    update(parts.record, 3, status="on_hold")
    number = planned(parts, range(1, 6))
    page = olwen.see(f"/operations/{number}").text
    for said in ("5 selected: 3 will be changed", "1 deceased", "The patient is deceased", "Given Family2",
                 "Is so already", "cannot easily be undone", "Ask for its approval"):  # fmt: skip
        assert said in page, said
    assert page.index("Given Family2") < page.index("Given Family1"), (
        "who cannot be changed is first"
    )
    with parts.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(access_log)) == 1


def test_it_is_asked_for_once_and_can_be_withdrawn(olwen: Visitor, parts: Wiring) -> None:
    """ALC-33: the requester alone; withdrawn, its approval is void."""
    number = planned(parts)
    for _ in range(2):
        assert post(olwen, f"/operations/{number}/confirm").url.path == f"/operations/{number}"
    assert get_operation(parts.record, number).state == "waiting"
    other = Visitor(parts)
    other.sign_in("mair")
    assert "Withdraw" not in other.see(f"/operations/{number}").text
    assert post(other, f"/operations/{number}/withdraw").status_code == 409
    post(olwen, f"/operations/{number}/withdraw")
    assert get_operation(parts.record, number).state == "withdrawn"
    other.sign_in("mair")
    assert "Void" in other.see(f"/approvals/{get_operation(parts.record, number).approval_id}").text


def test_a_stop_of_the_checklist_closes_it_and_says_why(olwen: Visitor, parts: Wiring) -> None:
    """ALC-37: nothing processed; the error is shown, and what to do."""
    number = planned(parts, parameters={"to": "active"})
    answer = post(olwen, f"/operations/{number}/confirm")
    assert answer.status_code == 409
    assert "0 of 3 selected patients will be changed" in answer.text
    assert "Failed, nobody changed" in answer.text


def test_progress_rerun_and_putting_back(olwen: Visitor, parts: Wiring) -> None:
    """ALC-35, 36, 38: processed, remaining, errors; the failed part again; and back, wholly or partly."""
    number, _ = waiting(parts, (1, 2, 3))
    update(parts.record, 2, status="discharged")
    approve(parts, number)
    assert "hx-get" in olwen.see(f"/operations/{number}").text
    carried_out(parts, number)
    page = olwen.see(f"/operations/{number}").text
    assert "hx-get" not in page
    assert "Done, some left as they were" in page
    part = olwen.see(f"/operations/{number}/progress").text
    cells = re.findall(r"<span>(\d+)</span></td>", part)
    assert cells == ["2", "1", "0", "0", "0"]
    again = post(olwen, f"/operations/{number}/rerun", {"key": "again"}).url.path
    assert post(olwen, f"/operations/{number}/rerun", {"key": "again"}).url.path == again
    assert get_operation(parts.record, int(again.split("/")[-1])).rerun_of == number
    assert post(olwen, f"/operations/{number}/undo", {"reason": ""}).status_code == 422
    back = post(
        olwen, f"/operations/{number}/undo",
        {"reason": "wrong branch", "ids": "L1", "partly": "yes", "key": "b"},
    ).url.path  # fmt: skip
    undo = get_operation(parts.record, int(back.split("/")[-1]))
    assert (undo.undo_of, undo.selected) == (number, 1)
    post(olwen, f"{back}/confirm")
    approve(parts, undo.id)
    carried_out(parts, undo.id)
    assert [column(parts.record, "status")[n] for n in (1, 3)] == ["active", "on_hold"]


def test_an_export_is_downloaded_by_whoever_asked_for_it_alone(
    olwen: Visitor, parts: Wiring
) -> None:
    """ALC-24 to 28: attachment, as it was written; the look is on the access log first."""
    asked = {"what": "patients", "format": "csv", "purpose": "care", "recipient": "the ICB"}
    number, _ = waiting(parts, (1, 2), kind="export", parameters=asked)
    assert olwen.see(f"/operations/{number}/file").status_code == 404
    approve(parts, number)
    begin(parts.record, parts.clock, number)
    for chunk in chunks_left(parts.record, number):
        apply_chunk(parts.record, parts.clock, number, chunk)
    export(parts.record, parts.clock, parts.settings, number)
    answer = olwen.see(f"/operations/{number}/file")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert b"Family1" in answer.content
    with parts.record.read() as connection:
        rows = connection.execute(
            sa.select(access_log.c.command, access_log.c.patients).order_by(access_log.c.id.desc())
        )
        assert tuple(rows.first() or ()) == ("desk export file", 2)
    other = Visitor(parts)
    other.sign_in("mair")
    assert other.see(f"/operations/{number}/file").status_code == 404
    assert "Whoever asked for it downloads it" in other.see(f"/operations/{number}").text


@pytest.mark.parametrize("name", ["ada", "gwil"])
def test_what_a_role_may_not_ask_for_is_neither_shown_nor_answered(
    visitor: Visitor, parts: Wiring, name: str
) -> None:
    """ALC-44."""
    furnish(parts)
    number = selected(parts, (1,))
    visitor.sign_in(name)
    assert "/operations" not in visitor.see("/").text
    for path in ("/operations", "/operations/new", f"/operations/new/{number}"):
        assert visitor.see(path).status_code == 404
    for page in PAGES:
        if page.act and page.path.startswith("/operations"):
            path = page.path.replace("{number:int}", str(number))
            assert post(visitor, path).status_code == 404, path


def test_whoever_is_tied_reaches_neither_selections_nor_operations_of_others(
    visitor: Visitor, parts: Wiring
) -> None:
    """NEW-38: 404, and of ids of others it is said that they are of another facility."""
    furnish(parts)
    number, chosen = planned(parts), selected(parts, (1,))
    set_facilities(parts.record, parts.clock, name="tegan", codes=["F2"], by="ada")
    visitor.sign_in("tegan")
    for path in (
        f"/operations/{number}", f"/operations/{number}/progress", f"/operations/{number}/undo",
        f"/operations/new/{chosen}", f"/operations/new/{chosen}/status",
    ):  # fmt: skip
        assert visitor.see(path).status_code == 404, path
    assert (
        post(visitor, f"/operations/new/{chosen}/status", {"to": "on_hold", **REASON}).status_code
        == 404
    )
    assert post(visitor, f"/operations/{number}/rerun", {"key": "x"}).status_code == 404
    answer = post(visitor, "/operations/new", {"how": "ids", "ids": "L1"})
    assert (answer.status_code, "other_facility" in answer.text) == (422, True)
    answer = post(visitor, "/operations/new", {"how": "ticked", "patient": ["1"]})
    assert answer.status_code == 422
    assert (
        "No patient" in post(visitor, "/operations/new", {"how": "search", "search": "Given"}).text
    )


def test_the_list_is_paged_newest_first(olwen: Visitor, parts: Wiring) -> None:
    for n in range(27):
        planned(parts, (1 + n % 5,))
    first = olwen.see("/operations").text
    assert "27: Status change" in first
    assert "2: Status change" not in re.sub(r"\d2: ", "", first)
    assert "?before=3" in first
    assert "1: Status change" in olwen.see("/operations?before=3").text
    assert olwen.see("/operations?before=x%27").status_code == 200
