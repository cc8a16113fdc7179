"""
NEW-15, COM-1: a practice's own appointments, as its system exports them: added, moved, cancelled, and no more.

Who is reminded afterwards is asked of the reminders themselves.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Complete, Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import appointment, provider
from clinic.settings import SourceFormat
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "Slot Guid,NHS Number,Appointment Date,Appointment Time,Slot Status,Duration"


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(9)
    return made


def run(practice: Practice, *rows: str, heading: str = HEADING, **more: Any) -> Imported:
    path = practice.file(*rows, heading=heading, name="slots.csv")
    given: dict[str, Any] = {"source": "emis", "zone": "Europe/London", "by": "nia"}
    options = Options(**(given | more))
    file = open_file("appointments", path, options.how)
    return run_import(practice.record, practice.clock, "appointments", file, options)


def slot(key: str, n: int | None, at: str = "03/03/2026,09:30", status: str = "Booked") -> str:
    return f"{key},{nhs(n) if n else ''},{at},{status},15"


def stored(practice: Practice) -> list[tuple[int, str, str]]:
    """Patient, time in UTC and state of each, in the order of their ids."""
    a = appointment.c
    query = sa.select(a.patient_id, a.starts_at, a.status).order_by(a.id)
    with practice.record.read() as connection:
        return [(row[0], f"{row[1]:%d %H:%M}", row[2]) for row in connection.execute(query)]


def test_appointments_are_added_once_however_often_the_file_comes(practice: Practice) -> None:
    rows = (slot("a", 1), slot("b", 2, "13/03/2026,14:00:00"), slot("c", 3, "3 Mar 2026,2:30 pm"))
    assert run(practice, *rows).counts == {"added": 3}
    assert stored(practice) == [
        (1, "03 09:30", "booked"),
        (2, "13 14:00", "booked"),
        (3, "03 14:30", "booked"),
    ]
    assert run(practice, *rows).counts == {"unchanged": 3}
    assert len(stored(practice)) == 3


def test_one_that_is_moved_is_the_same_appointment_at_another_time(practice: Practice) -> None:
    run(practice, slot("a", 1), slot("b", 2, "13/03/2026,10:00"))
    result = run(practice, slot("a", 1, "04/03/2026,11:00"), slot("b", 2, "13/03/2026,10:00"))
    assert result.counts == {"moved": 1, "unchanged": 1}
    assert stored(practice)[0] == (1, "04 11:00", "booked")


@pytest.mark.parametrize(
    ("after", "outcome", "state"),
    [
        (slot("a", 1, status="Cancelled by patient"), "cancelled", "cancelled"),
        (slot("a", None), "cancelled", "cancelled"),  # the slot came back empty
        (slot("a", 1, status="DNA"), "changed", "no_show"),
        (slot("a", 1, status="Visited and seen"), "changed", "finished"),
        (slot("a", 1, status=""), "status_unknown", "booked"),  # what is known stays
        (slot("a", 1, status="Jabberwocky"), "status_unknown", "booked"),
        (slot("a", 1, "31/02/2026,09:30"), "start_invalid", "booked"),
        (slot("a", 1, "03/03/2026,25:30"), "start_invalid", "booked"),
        (slot("a", 1, "03/03/2026,0.395833"), "start_invalid", "booked"),
    ],
)
def test_what_a_later_export_says_of_it(
    practice: Practice, after: str, outcome: str, state: str
) -> None:
    before = slot("b", 2, "13/03/2026,10:00")  # which proves that days come first
    run(practice, slot("a", 1), before)
    assert run(practice, after, before).counts == {outcome: 1, "unchanged": 1}
    assert stored(practice)[0][2] == state


def test_a_slot_that_is_given_to_somebody_else_cancels_the_first_one_s(practice: Practice) -> None:
    """The export has the same id with another patient, and no other sign; and back again."""
    run(practice, slot("a", 1))
    result = run(practice, slot("a", 2))
    assert (result.counts, result.also["given_to_another"]) == ({"added": 1}, 1)
    assert stored(practice) == [(1, "03 09:30", "cancelled"), (2, "03 09:30", "booked")]
    assert run(practice, slot("a", 2)).counts == {"unchanged": 1}
    run(practice, slot("a", 1))
    assert stored(practice) == [(1, "03 09:30", "booked"), (2, "03 09:30", "cancelled")]


def test_a_slot_given_to_somebody_who_is_not_here_is_not_the_first_one_s_any_more(
    practice: Practice,
) -> None:
    run(practice, slot("a", 1))
    result = run(practice, "a,9990000999,03/03/2026,09:30,Booked,15")
    assert result.counts == {"patient_not_found": 1}
    assert stored(practice) == [(1, "03 09:30", "cancelled")]
    run(practice, slot("b", 2))
    run(practice, "b,123,03/03/2026,09:30,Booked,15")  # a slip of the key is nobody else
    assert stored(practice)[1] == (2, "03 09:30", "booked")


def test_two_states_of_one_appointment_are_neither_taken(practice: Practice) -> None:
    result = run(
        practice, slot("a", 1), slot("b", 2), slot("a", 1, status="Cancelled"), slot("b", 2)
    )
    assert result.counts == {"contradicts": 2, "added": 1, "repeated": 1}
    assert stored(practice) == [(2, "03 09:30", "booked")]
    assert result.problems == [(2, "contradicts"), (4, "contradicts")]


def test_what_is_over_or_free_and_was_never_here_is_left_out_and_counted(
    practice: Practice,
) -> None:
    result = run(
        practice, slot("a", 1, status="Cancelled"), slot("b", None), slot("c", 2, status="DNA")
    )
    assert result.counts == {"not_here": 2, "slot_free": 1}
    assert stored(practice) == []


def test_a_visit_that_was_booked_here_is_recognised_by_its_time(practice: Practice) -> None:
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(appointment).values(
                patient_id=1, starts_at=datetime(2026, 3, 3, 9, 30, tzinfo=UTC), visit_type="flu"
            )
        )
    assert run(practice, slot("a", 1)).counts == {"unchanged": 1}
    assert run(practice, slot("a", 1, status="Cancelled")).counts == {"cancelled": 1}
    assert stored(practice) == [(1, "03 09:30", "cancelled")]


def test_the_hour_that_the_clock_repeats_and_the_one_that_it_leaves_out(practice: Practice) -> None:
    result = run(
        practice, slot("a", 1, "25/10/2026,01:30"), slot("b", 2, "29/03/2026,01:30"),
        slot("c", 3, "29/03/2026,09:30"), slot("d", 4, "2026-10-25,01:30Z"),
    )  # fmt: skip
    assert result.counts == {"added": 3, "start_invalid": 1}
    assert result.also["hour_repeated"] == 1
    assert [time for _, time, _ in stored(practice)] == ["25 00:30", "29 08:30", "25 01:30"]


def test_nothing_is_cancelled_for_not_being_in_the_file_but_where_it_is_complete(
    practice: Practice,
) -> None:
    run(practice, slot("a", 1), slot("b", 2), slot("c", 3, "20/03/2026,09:00"))
    assert run(practice, slot("a", 1)).counts == {"unchanged": 1}
    whole = Complete(0.5, date(2026, 3, 2), date(2026, 3, 8))
    result = run(practice, slot("a", 1), complete=whole)
    assert result.also["no_longer_there"] == 1
    assert [state for _, _, state in stored(practice)] == ["booked", "cancelled", "booked"]
    other = run(practice, slot("z", 4), complete=whole, source="systmone")  # another's ids
    assert other.also["no_longer_there"] == 0


def test_a_file_that_lacks_more_than_its_share_cancels_nothing_and_says_both_counts(
    practice: Practice,
) -> None:
    run(practice, *(slot(f"k{n}", n) for n in range(1, 10)))
    whole = Complete(0.2, date(2026, 3, 2), date(2026, 3, 8))
    result = run(practice, slot("k1", 1, "03/03/2026,09:45"), complete=whole)
    assert "lacks 8 of the 9" in result.refused
    assert (result.counts, result.also["no_longer_there"]) == ({"moved": 1}, 0)
    assert {state for _, _, state in stored(practice)} == {"booked"}


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ((slot("a", 1), slot("b", 2), slot("b", 2, status="DNA")), False),  # it is in the file
        ((slot("a", 1), slot("b", 2, status="Jabberwocky")), False),
        ((slot("a", 1), slot("b", 2, "31/02/2026,09:30")), False),
        ((slot("a", 1), "b,123,03/03/2026,09:30,Booked,15"), False),
        ((slot("a", 1), slot("b", 2) + ",more,than,there,is"), False),
        ((slot("a", 1), slot("?", 2) + ",more,than,there,is"), True),  # which may be hers
    ],
)
def test_what_is_in_a_complete_file_and_cannot_be_taken_is_not_cancelled(
    practice: Practice, rows: tuple[str, ...], refused: bool
) -> None:
    before = slot("z", 9, "13/03/2026,10:00")  # which proves that days come first
    run(practice, slot("a", 1), slot("b", 2), before)
    whole = Complete(1, date(2026, 3, 2), date(2026, 3, 8))
    result = run(practice, *rows, before, complete=whole)
    assert bool(result.refused) is refused
    assert [state for _, _, state in stored(practice)] == ["booked"] * 3


def test_a_source_without_ids_cancels_nothing_while_a_row_may_be_anybody_s(
    practice: Practice,
) -> None:
    heading = "NHS Number,Start,Status"
    at = "2026-03-03 09:30,booked"
    run(practice, f"{nhs(1)},{at}", f"{nhs(2)},{at}", heading=heading)
    whole = Complete(1, date(2026, 3, 2), date(2026, 3, 8))
    result = run(practice, f"{nhs(1)},{at}", f"123,{at}", heading=heading, complete=whole)
    assert "cannot be read and may be those" in result.refused
    assert {state for _, _, state in stored(practice)} == {"booked"}


def test_rows_of_another_organisation_are_refused_one_by_one(practice: Practice) -> None:
    heading = HEADING + ",Organisation Code"
    rows = (slot("a", 1) + ",w98765", slot("b", 2) + ",Z11111", slot("c", 3) + ",")
    result = run(practice, *rows, heading=heading, codes=("W98765",))
    assert result.counts == {"added": 2, "other_organisation": 1}
    assert [who for who, _, _ in stored(practice)] == [1, 3]


def test_what_is_longer_than_the_record_takes_is_said_and_never_cut(practice: Practice) -> None:
    heading = HEADING + ",Reason"
    run(practice, slot("a", 1) + ",review", slot("k" * 121, 2) + ",review", heading=heading)
    result = run(practice, slot("a", 1) + "," + "long " * 20, heading=heading)
    assert (result.counts, result.also["type_too_long"]) == ({"unchanged": 1}, 1)
    with practice.record.read() as connection:
        assert connection.scalars(sa.select(appointment.c.visit_type)).all() == ["review"]


def test_another_length_or_provider_is_a_change_and_no_move(practice: Practice) -> None:
    run(practice, slot("a", 1))
    result = run(practice, slot("a", 1).replace(",15", ",40"))
    assert result.counts == {"changed": 1}
    with practice.record.read() as connection:
        row = connection.execute(sa.select(appointment.c.minutes, appointment.c.version)).one()
    assert tuple(row) == (40, 2)


def test_two_imports_at_once_add_each_appointment_once(practice: Practice) -> None:
    rows = [slot(f"k{n}", n) for n in range(1, 10)]
    path = practice.file(*rows, heading=HEADING, name="slots.csv")

    def one(_: int) -> Imported:
        options = Options(source="emis", by="nia")
        file = open_file("appointments", path)
        return run_import(practice.record, practice.clock, "appointments", file, options)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(one, range(4)))
    assert sum(result.counts["added"] for result in results) == 9
    assert len(stored(practice)) == 9


def test_a_dry_run_counts_the_same_and_changes_nothing(practice: Practice) -> None:
    run(practice, slot("a", 1), slot("b", 2))
    before = stored(practice)
    rows = (slot("a", 1, "04/03/2026,11:00"), slot("b", 3), slot("c", 4), slot("d", None))
    dry = run(practice, *rows, check=True)
    assert stored(practice) == before
    real = run(practice, *rows)
    assert (dry.counts, dry.also, dry.problems) == (real.counts, real.also, real.problems)


def test_a_source_without_ids_knows_one_by_patient_and_time(practice: Practice) -> None:
    heading = "NHS Number,Start,Status,Provider,Room"
    with practice.record.write() as connection:
        connection.execute(sa.insert(provider).values(code="D1", name="Dr Ann Lee"))
    rows = (
        f"{nhs(1)},2026-03-03 09:30,booked,dr ann lee,Room 4",
        f"{nhs(2)},2026-03-03 09:30,booked,D9,",
    )
    result = run(practice, *rows, heading=heading)
    assert (result.counts, result.also["provider_unknown"]) == ({"added": 2}, 1)
    gone = f"{nhs(1)},2026-03-03 09:30,cancelled,,"
    assert run(practice, gone, heading=heading).counts == {"cancelled": 1}
    with practice.record.read() as connection:
        kept = connection.execute(
            sa.select(appointment.c.place, provider.c.code).join(
                provider, provider.c.id == appointment.c.provider_id
            )
        ).one()
    assert tuple(kept) == ("Room 4", "D1")  # an empty cell takes nothing away


TWO_DAYS = "2026-03-03,09:30", "2026-03-05,11:00"
BOTH = Complete(1, date(2026, 3, 2), date(2026, 3, 8))


@pytest.mark.parametrize(
    ("rows", "more", "counts", "also"),
    [
        # the row says that it is cancelled, before or after the new one
        ((slot("a", 1, TWO_DAYS[0], "Cancelled"), slot("b", 1, TWO_DAYS[1])), {},
         {"replaced": 1, "booked_again": 1}, {}),
        ((slot("b", 1, TWO_DAYS[1]), slot("a", 1, TWO_DAYS[0], "Cancelled")), {},
         {"replaced": 1, "booked_again": 1}, {}),
        # its slot is free again, another's, or gone from a source that has all
        ((slot("a", None, TWO_DAYS[0]), slot("b", 1, TWO_DAYS[1])), {},
         {"replaced": 1, "booked_again": 1}, {}),
        ((slot("a", 2, TWO_DAYS[0]), slot("b", 1, TWO_DAYS[1])), {},
         {"added": 1, "booked_again": 1}, {"moved_away": 1}),
        ((slot("b", 1, TWO_DAYS[1]),), {"complete": BOTH}, {"booked_again": 1}, {"moved_away": 1}),
        # of two new ones one is the move; somebody else's is none
        ((slot("a", 1, TWO_DAYS[0], "Cancelled"), slot("b", 1, TWO_DAYS[1]), slot("c", 1, "2026-03-06,11:00")),
         {}, {"replaced": 1, "booked_again": 1, "added": 1}, {}),
        ((slot("a", 1, TWO_DAYS[0], "Cancelled"), slot("b", 2, TWO_DAYS[1])), {},
         {"cancelled": 1, "added": 1}, {}),
        ((slot("a", None, TWO_DAYS[0]), slot("b", 2, TWO_DAYS[1])), {"complete": BOTH},
         {"cancelled": 1, "added": 1}, {}),
    ],
)  # fmt: skip
def test_a_cancellation_and_a_new_booking_of_one_patient_are_counted_as_one_move(
    practice: Practice,
    rows: tuple[str, ...],
    more: dict[str, Any],
    counts: dict[str, int],
    also: dict[str, int],
) -> None:
    """A dry run says the same; what the record has is as before: two appointments, one of them cancelled."""
    run(practice, slot("a", 1, TWO_DAYS[0]))
    for check in (True, False):
        result = run(practice, *rows, check=check, **more)
        told = {
            name: result.also[name]
            for name in ("given_to_another", "no_longer_there", "moved_away")
        }
        assert (dict(result.counts), {k: v for k, v in told.items() if v}) == (counts, also)
        assert sum(result.counts.values()) == len(rows)
    assert stored(practice)[0] == (1, "03 09:30", "cancelled")
    again = run(practice, *rows, **more)
    assert again.counts.keys() <= {"unchanged", "slot_free"}
    assert not again.also["moved_away"]


OWNING = "Slot Guid,NHS Number,Appointment Date,Appointment Time,Status,Duration,Slot Type,Mode,Place,Provider"
FULL = f"a,{nhs(1)},2026-03-03,09:30,Booked,20,review,Telephone,Room 4,d1"
EMPTY = f"a,{nhs(1)},2026-03-03,09:30,Booked,,,,,"


def details(practice: Practice) -> tuple[Any, ...]:
    a = appointment.c
    with practice.record.read() as connection:
        query = sa.select(a.minutes, a.visit_type, a.mode, a.place, a.provider_id, a.status)
        return tuple(connection.execute(query).one())


@pytest.mark.parametrize(
    ("heading", "row", "owns", "after"),
    [
        (OWNING, EMPTY, True, (15, "visit", None, None, None, "booked")),
        (OWNING, EMPTY, False, (20, "review", "telephone", "Room 4", 1, "booked")),
        # a column that is not there is not the source's; nor is a name that is not here an empty cell
        (OWNING.replace("Place", "Colour"), EMPTY, True, (15, "visit", None, "Room 4", None, "booked")),
        (OWNING, EMPTY + "d9", True, (15, "visit", None, None, 1, "booked")),
        # what is taken out of its source has empty cells, which say nothing
        (OWNING, EMPTY.replace("Booked", "Cancelled"), True,
         (20, "review", "telephone", "Room 4", 1, "cancelled")),
        (OWNING, EMPTY.replace("Booked", ""), True, (20, "review", "telephone", "Room 4", 1, "booked")),
    ],
)  # fmt: skip
def test_an_empty_cell_takes_away_only_what_its_source_owns(
    practice: Practice, heading: str, row: str, owns: bool, after: tuple[Any, ...]
) -> None:
    with practice.record.write() as connection:
        connection.execute(sa.insert(provider).values(id=1, code="d1", name="Dr One"))
    how = SourceFormat(owns_columns=owns)
    assert run(practice, FULL, heading=OWNING, how=how).counts == {"added": 1}
    assert details(practice) == (20, "review", "telephone", "Room 4", 1, "booked")
    run(practice, row, heading=heading, how=how)
    assert details(practice) == after
    run(practice, FULL, heading=OWNING, how=how)
    if "Cancelled" not in row:
        assert details(practice) == (20, "review", "telephone", "Room 4", 1, "booked")


@pytest.mark.parametrize(
    ("status", "when", "state"),
    [
        ("Booked", "20 Feb 2026 10:00:00", "cancelled"),
        ("", "20/02/2026", "cancelled"),  # many systems empty the word
        ("Slot held", "TRUE", "cancelled"),
        ("Booked", "", "booked"),
        ("Booked", "FALSE", "booked"),
        ("Booked", "9999-12-31", "booked"),  # not known
        ("Booked", "1900-01-01 00:00:00", "booked"),
        ("Booked", "xxxx", "booked"),  # Medway's word for none
        ("Booked", "N/A", "booked"),
        ("Booked", "0", "booked"),
        ("Booked", "1", "cancelled"),
        ("DNA", "20/02/2026", "no_show"),
        ("Seen", "20/02/2026", "finished"),
    ],
)
def test_one_with_a_day_of_cancellation_is_not_booked_whatever_the_word(
    practice: Practice, status: str, when: str, state: str
) -> None:
    """data-in.md §2: SystmOne says it by a number and a date, hospitals by a date alone."""
    run(practice, slot("a", 1))
    heading = HEADING.replace("Duration", "DateAppointmentCancelled")
    run(practice, f"a,{nhs(1)},03/03/2026,09:30,{status},{when}", heading=heading)
    assert [each[2] for each in stored(practice)] == [state]
