"""Every row of the list comes back with what became of it, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from clinic.message import states
from clinic.message.outcomes.outcome_rows import PAGE, Only, outcome_rows, write_outcomes
from clinic.record.database import Record
from tests.campaigns import Fate, put_campaign, put_patient
from tests.fakes import FakeClock

FATES = [
    Fate(state=states.DELIVERED),
    Fate("phone_missing", cells=("9990000999", "Llŷr")),
    Fate("patient_dead"),
    Fate(state=states.REJECTED, error="not a mobile"),
    Fate(state=states.UNKNOWN),
]


def written(record: Record, campaign_id: int, only: Only = "all") -> list[list[str]]:
    file = io.StringIO(newline="")
    write_outcomes(record, campaign_id, file, only=only)
    return list(csv.reader(io.StringIO(file.getvalue(), newline="")))


def test_the_file_has_the_original_columns_then_code_and_sentence(
    record: Record, clock: FakeClock
) -> None:
    """ACX-27: the list of not-accepted patients, with its own columns, can be downloaded."""
    made = put_campaign(record, clock, FATES)
    heading, *rows = written(record, made, only="not_accepted")
    assert heading == ["Row", "NHS Number", "Given Name", "Outcome", "What to do", "Detail"]
    assert rows[0][:4] == ["3", "9990000999", "Llŷr", "phone_missing"]
    assert "add one" in rows[0][4]
    assert [row[3] for row in rows] == ["phone_missing", "patient_dead"]


@pytest.mark.parametrize(
    ("only", "codes"),
    [
        ("all", ["delivered", "phone_missing", "patient_dead", "rejected", "unknown"]),
        ("not_accepted", ["phone_missing", "patient_dead"]),  # ACX-26
        ("not_messaged", ["phone_missing", "patient_dead", "rejected", "unknown"]),  # ACX-27
        ("errors", ["phone_missing", "rejected", "unknown"]),  # PAT-22
    ],
)
def test_which_rows(record: Record, clock: FakeClock, only: Only, codes: list[str]) -> None:
    """PAT-22, ACX-26: "only patients with errors" shows only those; not accepted likewise."""
    made = put_campaign(record, clock, FATES)
    assert [row.code for row in outcome_rows(record, made, only=only)] == codes


def test_what_the_gateway_said_is_the_detail(record: Record, clock: FakeClock) -> None:
    made = put_campaign(record, clock, FATES)
    details = {row.code: row.detail for row in outcome_rows(record, made)}
    assert details["rejected"] == "not a mobile"


@pytest.mark.parametrize(
    ("code", "detail", "says"),
    [
        ("phone_not_mobile", "pager", "A pager."),
        ("phone_not_allowed", "test_number", "phones.test_range is off"),
        ("variable_missing", "list.pager", "list.pager"),
    ],
)
def test_a_person_reads_what_is_wrong_with_the_number(
    sqlite_record: Record, clock: FakeClock, code: str, detail: str, says: str
) -> None:
    """PAT-22: the error, and not the word by which programs know it."""
    made = put_campaign(sqlite_record, clock, [Fate(code, detail=detail)])
    (row,) = outcome_rows(sqlite_record, made, only="errors")
    assert says in row.detail


def test_formulas_in_cells_and_headings_do_not_run(record: Record, clock: FakeClock) -> None:
    """ACX-27: a cell that a spreadsheet would run is written as text."""
    fates = [Fate("phone_missing", cells=('=HYPERLINK("x")', "@SUM(1)"))]
    made = put_campaign(record, clock, fates, columns=("=1+1", "Name"))
    heading, row = written(record, made)
    assert not [cell for cell in (*heading, *row) if cell[:1] in set("=+-@")]


def test_a_row_with_too_few_or_too_many_cells_keeps_its_outcome_in_its_column(
    record: Record, clock: FakeClock
) -> None:
    short, long = (
        Fate("unreadable_row", cells=("1",)),
        Fate("unreadable_row", cells=("1", "2", "3")),
    )
    _, *rows = written(record, put_campaign(record, clock, [short, long]))
    assert [row[3] for row in rows] == ["unreadable_row", "unreadable_row"]


def test_a_list_made_in_the_record_tells_who_it_was(record: Record, clock: FakeClock) -> None:
    put_patient(record, 5, nhs_number="9990000018", local_id="1001")
    fates = [Fate("phone_missing", patient_id=5, cells=())]
    made = put_campaign(record, clock, fates, columns=())
    assert written(record, made)[1][1:3] == ["9990000018", "1001"]


def test_more_rows_than_a_page_come_once_each_and_in_order(
    sqlite_record: Record, clock: FakeClock
) -> None:
    made = put_campaign(sqlite_record, clock, [Fate("duplicate")] * (PAGE + 3))
    numbers = [row.row_number for row in outcome_rows(sqlite_record, made)]
    assert numbers == list(range(2, PAGE + 5))
