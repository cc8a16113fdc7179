"""A list's rows as frames, and whom they mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.cohort.import_list import take_in_file, take_in_ids
from clinic.cohort.rows import ListSource, get_list, match_patients, read_rows, tell_ids_apart
from clinic.errors import NotFound
from clinic.practice.people import check_digits
from clinic.record.database import Record
from clinic.values.nhs_number import judge_nhs_numbers
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "Mobile,Note,NHS Number,Local ID"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    return practice


def listed(practice: Practice, *rows: str, heading: str = HEADING) -> ListSource:
    path = practice.file(*rows, heading=heading)
    list_id = take_in_file(
        practice.record, practice.clock, path, request_key="k", name="x", scheme="generic",
        taken_by="nia",
    )  # fmt: skip
    with practice.record.read() as connection:
        return get_list(connection, list_id)


def read(
    practice: Practice, source: ListSource, *, after: int = 0, limit: int = 100
) -> pd.DataFrame:
    with practice.record.read() as connection:
        return read_rows(connection, source, after=after, limit=limit)


def test_columns_are_found_by_alias_in_any_order_and_stripped(practice: Practice) -> None:
    """PAT-9: nothing depends on a position; the original cells stay as they came."""
    source = listed(practice, f" 07700900001 , hi ,{nhs(1)},E1")
    row = read(practice, source).loc[2]
    assert (row["mobile"], row["nhs_number"], row["local_id"]) == ("07700900001", nhs(1), "E1")
    assert (row["email"], row["birth_date"]) == ("", "")
    assert row["cells"] == [" 07700900001 ", " hi ", nhs(1), "E1"]


def test_rows_come_in_blocks_by_their_numbers(practice: Practice) -> None:
    source = listed(practice, *(f",,{nhs(n)}," for n in range(1, 6)))
    blocks = [read(practice, source, after=after, limit=2).index.tolist() for after in (0, 3, 5, 6)]
    assert blocks == [[2, 3], [4, 5], [6], []]


def test_a_row_with_too_few_or_many_cells_is_marked(practice: Practice) -> None:
    source = listed(practice, f",,{nhs(1)},", f",,{nhs(2)}", f",,{nhs(3)},,more")
    assert read(practice, source)["unreadable"].tolist() == [False, True, True]


def test_a_list_that_is_not_there_is_refused(practice: Practice) -> None:
    with practice.record.read() as connection, pytest.raises(NotFound, match="list-unknown"):
        get_list(connection, 99)


@pytest.mark.parametrize(
    ("nhs_number", "local_id", "patient", "disputed"),
    [
        (nhs(1), "", 1, False),
        ("", "E2", 2, False),
        (nhs(1), "E1", 1, False),
        (nhs(1), "E2", None, True),
        (nhs(1), "E99", 1, False),
        (nhs(150), "E2", None, True),
        (nhs(150), "", None, False),
        (nhs(150), "E99", None, False),
        ("", "", None, False),
    ],
)
def test_two_ids_mean_one_patient_or_nobody(
    practice: Practice, nhs_number: str, local_id: str, patient: int | None, disputed: bool
) -> None:
    source = listed(practice, f",a note,{nhs_number},{local_id}")
    rows = read(practice, source)
    with practice.record.read() as connection:
        numbers = judge_nhs_numbers(rows["nhs_number"])["nhs_number"]
        found = match_patients(connection, source, rows, numbers).loc[2]
    assert (None if pd.isna(found["id"]) else found["id"]) == patient
    assert bool(found["disputed"]) is disputed


def _is_nhs_number(text: str) -> bool:
    if not text.isdigit() or len(text) != 10:
        return False
    return int(check_digits(np.array([int(text[:9])]))[0]) == int(text[9])


@given(
    st.lists(
        st.from_regex(r"(999000[0-9]{4}|E?[0-9]{1,9})", fullmatch=True), min_size=1, max_size=30
    )
)
def test_a_pasted_id_is_an_nhs_number_exactly_if_its_check_digit_is_right(ids: list[str]) -> None:
    """Any other is the practice's own id: no pasted id is both, none is neither."""
    frame = pd.DataFrame(index=range(len(ids)))
    tell_ids_apart(frame, pd.Series(ids, dtype="str"))
    for text, number, local in zip(ids, frame["nhs_number"], frame["local_id"], strict=True):
        assert (number, local) == ((text, "") if _is_nhs_number(text) else ("", text))


def test_pasted_ids_are_read_back_in_their_order(practice: Practice) -> None:
    list_id = take_in_ids(
        practice.record, practice.clock, ["E2", nhs(1)], request_key="p", name="x", taken_by="nia"
    )
    with practice.record.read() as connection:
        source = get_list(connection, list_id)
        rows = read_rows(connection, source, after=0)
        numbers = judge_nhs_numbers(rows["nhs_number"])["nhs_number"]
        assert match_patients(connection, source, rows, numbers)["id"].tolist() == [2, 1]
