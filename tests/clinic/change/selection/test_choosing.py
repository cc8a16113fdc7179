"""ALC-10 to 13: each way in which patients are named is a part of a selection, whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from clinic.change.selection.choosing import (
    of_file,
    of_group,
    of_patients,
    of_picked,
    of_selection,
    of_text,
    remarks_on,
)
from clinic.change.selection.search import find_patients
from clinic.change.selection.selection import take
from clinic.change.selection.selection_parts import Part
from clinic.errors import OperationRefused
from clinic.record.database import Record
from tests.clinic.change.practice import SETTINGS, practice
from tests.fakes import FakeClock


def selected(record: Record, clock: FakeClock, *parts: Part) -> int:
    taken = take(record, clock, SETTINGS, list(parts), taken_by="ann", within=[])
    return taken.outcomes.get("selected", 0)


def test_parts_of_every_kind_add_up_each_patient_once(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice(record)
    file = tmp_path / "ids.csv"
    file.write_text("Local ID\nL1\nL2\n")
    part, read = of_file(file)
    assert remarks_on(read) == []
    assert selected(record, clock, part, of_text("L2\nL3")) == 3
    assert selected(record, clock, of_selection(1), of_patients([3, 4])) == 4


def test_what_was_left_out_of_a_file_is_said_for_ids(tmp_path: Path) -> None:
    file = tmp_path / "ids.csv"
    file.write_text("Local ID,Name\nL1,Ned\nL2,Ned,more,cells\n")
    said = {notice.code: says for notice, says in remarks_on(of_file(file)[1])}
    assert "selects nobody" in said["unreadable_row"]


@pytest.mark.parametrize(
    ("picked", "count", "code"),
    [("all", 6, ""), ("1, 3", 2, ""), ("7", 0, "picked-unknown"), ("x", 0, "picked-unknown")],
)
def test_of_those_found_the_picked_ones_are_taken(
    record: Record, clock: FakeClock, picked: str, count: int, code: str
) -> None:
    practice(record)
    found = find_patients(record, "family")
    assert len(found) == 6
    if code:
        with pytest.raises(OperationRefused, match=code):
            of_picked(found, picked)
        return
    assert selected(record, clock, of_picked(found, picked)) == count


def test_nobody_is_found_and_a_group_that_is_none(record: Record, clock: FakeClock) -> None:
    practice(record)
    with pytest.raises(OperationRefused, match="nobody-found"):
        of_picked([], "all")
    with pytest.raises(Exception, match="group-unknown"):
        selected(record, clock, of_group("nobody"))
