"""A list is taken in once, whole, and named: files, pasted ids, groups and filters."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from clinic.clock import Clock
from clinic.cohort.filters import PatientFilter, filter_query
from clinic.cohort.import_list import take_in_file, take_in_ids, take_in_query
from clinic.errors import ListRefused
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.people import patient
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(record, clock, tmp_path)


def take(practice: Practice, path: Path, *, key: str = "k", name: str = "Reviews") -> int:
    return take_in_file(
        practice.record, practice.clock, path,
        request_key=key, name=name, scheme="generic", taken_by="nia",
    )  # fmt: skip


def head(practice: Practice, list_id: int) -> sa.Row[tuple[object, ...]]:
    with practice.record.read() as connection:
        return connection.execute(sa.select(cohort_list).where(cohort_list.c.id == list_id)).one()


def rows(practice: Practice, list_id: int) -> dict[int, list[str]]:
    with practice.record.read() as connection:
        found = connection.execute(
            sa.select(list_row.c.row_number, list_row.c.cells)
            .where(list_row.c.list_id == list_id)
            .order_by(list_row.c.row_number)
        ).all()
    return {row[0]: orjson.loads(row[1]) for row in found}


def acts_of_lists(practice: Practice) -> list[sa.Row[tuple[object, ...]]]:
    query = sa.select(audit_act).where(audit_act.c.subject == "list").order_by(audit_act.c.number)
    with practice.record.read() as connection:
        return list(connection.execute(query).all())


def test_every_original_row_is_kept_with_the_files_fingerprint(practice: Practice) -> None:
    """PAT-7, ACX-17: an uploaded CSV; cells as they came, rows numbered as a spreadsheet shows them."""
    path = practice.file(f'{nhs(1)}," Siân "', f"{nhs(2)},=1+1", heading="NHS Number,Note")
    list_id = take(practice, path)
    assert rows(practice, list_id) == {2: [nhs(1), " Siân "], 3: [nhs(2), "=1+1"]}
    found = head(practice, list_id)
    assert (found.rows, found.source, found.file_name, found.taken_by) == (
        2, "file", "list.csv", "nia",
    )  # fmt: skip
    assert len(found.sha256) == 64


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_a_list_needs_a_name(practice: Practice, name: str) -> None:
    """PAT-6: for files, pasted ids, groups and filters alike."""
    query = sa.select(cohort_list.c.id)
    common = {"request_key": "k", "name": name, "taken_by": "nia"}
    with pytest.raises(ListRefused, match="list-name-missing"):
        take(practice, practice.everybody(1), name=name)
    with pytest.raises(ListRefused, match="list-name-missing"):
        take_in_ids(practice.record, practice.clock, ["1"], **common)
    with pytest.raises(ListRefused, match="list-name-missing"):
        take_in_query(
            practice.record, practice.clock, query, source="group", criteria={}, **common
        )  # fmt: skip
    assert practice.count(cohort_list) == 0


def test_the_same_request_again_gives_the_same_list(practice: Practice) -> None:
    path = practice.everybody(3)
    assert take(practice, path) == take(practice, path)
    assert practice.count(list_row) == 3
    assert take(practice, path, key="another") != take(practice, path)


def test_a_file_half_taken_in_is_carried_on_with_at_the_first_missing_row(
    practice: Practice,
) -> None:
    path = practice.everybody(6)
    list_id = take(practice, path)
    with practice.record.write() as connection:  # as a kill after the second row leaves it
        connection.execute(sa.delete(list_row).where(list_row.c.row_number > 3))
        connection.execute(sa.update(cohort_list).values(rows=None))
    assert take(practice, path) == list_id
    assert list(rows(practice, list_id)) == [2, 3, 4, 5, 6, 7]
    assert head(practice, list_id).rows == 6


def test_a_file_that_changed_since_the_request_began_is_refused(practice: Practice) -> None:
    take(practice, practice.everybody(3))
    with pytest.raises(ListRefused, match="list-changed"):
        take(practice, practice.everybody(4))
    assert practice.count(list_row) == 3


def test_a_request_key_stands_for_one_list(practice: Practice) -> None:
    """A file, pasted ids, a filter: whatever it was used for first, it is used for nothing else."""
    practice.patients(2)
    common = {"request_key": "k", "name": "x", "taken_by": "nia"}
    query = sa.select(patient.c.id)
    take_in_query(
        practice.record, practice.clock, query, source="filter", criteria={"status": "active"},
        **common,
    )  # fmt: skip
    with pytest.raises(ListRefused, match="list-changed"):
        take_in_query(
            practice.record,
            practice.clock,
            query,
            source="group",
            criteria={"group": "g"},
            **common,
        )
    with pytest.raises(ListRefused, match="list-changed"):
        take_in_ids(practice.record, practice.clock, ["E1"], **common)
    with pytest.raises(ListRefused, match="list-changed"):
        take(practice, practice.everybody(2))


def test_two_runs_of_one_request_at_once_take_the_file_in_once(practice: Practice) -> None:
    path = practice.everybody(100)
    together = threading.Barrier(4)
    found: list[int] = []

    def run() -> None:
        together.wait()
        found.append(take(practice, path))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert set(found) == {1}
    assert practice.count(list_row) == 100
    assert len(acts_of_lists(practice)) == 1


def test_pasted_ids_are_numbered_from_one_and_repeats_are_kept(practice: Practice) -> None:
    ids = [nhs(1), "E2", nhs(1)]
    common = {"request_key": "k", "name": "Pasted", "taken_by": "nia"}
    list_id = take_in_ids(practice.record, practice.clock, ids, **common)
    assert take_in_ids(practice.record, practice.clock, ids, **common) == list_id
    assert rows(practice, list_id) == {1: [nhs(1)], 2: ["E2"], 3: [nhs(1)]}
    assert head(practice, list_id).rows == 3


def test_the_trail_has_who_took_a_list_in_from_what_and_no_cell_or_name_of_it(
    practice: Practice,
) -> None:
    """NEW-10: once, when it is whole; of a look, which is deleted again, never."""
    path = practice.file(f"{nhs(1)},Ann", heading="NHS Number,Note")
    bytes_ = path.read_bytes()
    for key in ("k", "k", "preview-1"):
        take(practice, path, key=key)
    common = {"name": "Pasted", "taken_by": "ann"}
    take_in_ids(practice.record, practice.clock, ["E1"], request_key="ids", **common)
    found = acts_of_lists(practice)
    assert [(act.operator, act.operation_type, act.subject_id) for act in found] == [
        ("nia", "list.taken", 1),
        ("ann", "list.taken", 3),
    ]
    assert orjson.loads(found[0].new_values) == {
        "source": "file", "layout": "generic", "size": len(bytes_), "rows": 1,
        "sha256": hashlib.sha256(bytes_).hexdigest(),
    }  # fmt: skip


def test_a_filter_is_taken_in_as_it_is_now(practice: Practice) -> None:
    practice.patients(2)

    def take_active(key: str) -> int:
        with practice.record.read() as connection:
            query = filter_query(connection, PatientFilter(status="active"))
        return take_in_query(
            practice.record, practice.clock, query, source="filter",
            criteria={"status": "active"}, request_key=key, name="Active", taken_by="nia",
        )  # fmt: skip

    first = take_active("k1")
    practice.patient(3)
    assert take_active("k1") == first
    later = take_active("k2")
    assert [head(practice, n).rows for n in (first, later)] == [2, 3]
    assert head(practice, first).sha256 != head(practice, later).sha256
    assert orjson.loads(str(head(practice, first).criteria)) == {"status": "active"}


@pytest.mark.parametrize(
    ("heading", "dates", "order"),
    [
        ("NHS Number,DOB", ["03/04/1980", "25/12/1980"], "dmy"),
        ("NHS Number,DOB", ["03/04/1980", "12/25/1980"], "mdy"),
        ("NHS Number,DOB", ["03/04/1980", "1980-04-03"], "ambiguous"),
        ("NHS Number,DOB", ["25/12/1980", "12/25/1980"], "ambiguous"),
        ("NHS Number,Date of Birth,EMIS Number", ["03/04/1980,E1", "04/05/1980,E2"], "dmy"),
        ("NHS Number,Date of Birth,Telecom Number", ["03/04/1980,07", "04/05/1980,07"], "dmy"),
    ],
)
def test_the_order_of_day_and_month_is_what_the_whole_column_proves(
    practice: Practice, heading: str, dates: list[str], order: str
) -> None:
    """EMIS and SystmOne write days first; of other lists nothing is guessed."""
    cells = [f"{nhs(n)},{date}" for n, date in enumerate(dates, start=1)]
    assert (
        head(practice, take(practice, practice.file(*cells, heading=heading))).date_order == order
    )


def test_a_list_without_dates_has_no_order(practice: Practice) -> None:
    assert head(practice, take(practice, practice.everybody(1))).date_order is None


def test_the_clock_is_the_one_handed_in(practice: Practice) -> None:
    clock: Clock = practice.clock
    assert head(practice, take(practice, practice.everybody(1))).taken_at == clock.now()
