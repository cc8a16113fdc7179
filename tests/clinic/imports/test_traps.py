"""
Issue 16: what went wrong in other systems' imports (data-in.md §4), a trap a row, and what happens here.

Those of a FHIR server's paging and of a mass removal are asked where they are met, in the last two tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import ListRefused
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Complete, Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import appointment, appointment_source, consent, patient
from clinic.settings import ImportKind, SourceFormat
from clinic.settings.sync import SyncChecks
from data_checks.sync.judge import figures_of, judge_source
from tests.clinic.cohort.files.workbooks import excel
from tests.clinic.imports.explained import assert_explained, count_on, rows_of
from tests.clinic.sources.fhir.asking import APPOINTMENT, PATIENT, bundle, fetched, fhir
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.servers.stand_in import Asked, Said, standing_in

SLOTS = "SlotGuid,NHS Number,AppointmentDate,AppointmentStartTime,SlotStatus"
PEOPLE = "NHS Number,EMIS Number,Surname,Date of Birth,Mobile"
A = f"a,{nhs(1)},2026-03-03,09:30,Booked"
DONE = "opted out"


@dataclass(frozen=True)
class Trap:
    """
    What came before, what comes now, and what each row ends with.

    text: the file, or its lines under `heading`; refused: the file as a whole, with this in the message
    also: counted besides; then: a query's one value afterwards
    """

    number: int
    name: str
    kind: ImportKind
    lines: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)
    heading: str = SLOTS
    before: tuple[str, ...] = ()
    also: dict[str, int] = field(default_factory=dict)
    how: SourceFormat = field(default_factory=SourceFormat)
    options: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    encoding: str = "utf-8"
    ending: str = "\n"
    then: tuple[sa.Select[Any], Any] | None = None


def of(n: int, column: sa.Column[Any]) -> sa.Select[Any]:
    key = patient.c.id if column.table is patient else column.table.c.patient_id
    return sa.select(column).where(key == n)


TRAPS = [
    Trap(
        1,
        "empty slot rows",
        "appointments",
        ("a,,2026-03-03,09:30,Available", "b,,2026-03-03,10:00,"),
        {"cancelled": 1, "slot_free": 1},
        before=(A,),
        then=(of(1, appointment.c.status), "cancelled"),
    ),
    Trap(
        2,
        "slots of unknown patients",
        "appointments",
        (A, *(f"u{n},{nhs(n)},2026-03-03,10:00,Booked" for n in range(100, 190))),
        {"added": 1, "patient_not_found": 90},
    ),
    Trap(
        5,
        "masked days",
        "appointments",
        tuple(
            f"m{n},{nhs(1)},{day},09:30,Booked"
            for n, day in enumerate(
                (
                    "1900-01-01",
                    "9999-12-31",
                    "0000-00-00",
                    "01 Jan 1900",
                    "1970-01-01",
                    "2999-01-01",
                )
            )
        ),
        {"start_invalid": 6},
        also={"day_masked": 4},  # the others are no days of a visit either, whoever wrote them
    ),
    Trap(
        6,
        "Excel's numbers for a time and a day in a text",
        "appointments",
        (f"e1,{nhs(1)},2026-03-03,0.458333,Booked", f"e2,{nhs(1)},44537,09:30,Booked"),
        {"start_invalid": 2},
    ),
    Trap(
        7,
        "a rounded SNOMED id",
        "consents",
        # What may have been a code that declines is an opt-out; what may have been a consent lifts nothing
        (
            *(
                f"{nhs(n)},{code},2025-03-01"
                for n, code in enumerate(("5.13631E+14", "9.114E+14"), 1)
            ),
            f"{nhs(3)},9.11361E+14,2025-03-01",
            f"{nhs(4)},1.95967E+08,2025-03-01",
        ),
        {"widened": 2, "consent_unclear": 1, "decision_missing": 1},
        heading="NHS Number,SNOMED Code,Date",
        also={"opt_out": 2},
        then=(of(2, consent.c.channel), "any"),
    ),
    Trap(
        8,
        "an id that a spreadsheet made short",
        "appointments",
        ("s,1.67683E+15,2026-03-03,09:30,Booked",),
        refused="row 2",
        heading="SlotGuid,EMIS Number,AppointmentDate,AppointmentStartTime,SlotStatus",
    ),
    Trap(
        8,
        "a slot's id that a spreadsheet made short",
        "appointments",
        (f"1.67683E+15,{nhs(1)},2026-03-03,09:30,Booked",),
        refused="row 2",
    ),
    Trap(
        9,
        "an id that looks like a number, a phone with its zero",
        "patients",
        (
            f"{nhs(9)},219E01BE,Llwyd,1950-02-01,07700900123",
            f"{nhs(8)},0042,Ned,1950-02-01,07700900124",
        ),
        {"added": 2},
        heading=PEOPLE,
        then=(sa.select(patient.c.mobile).where(patient.c.local_id == "219E01BE"), "07700900123"),
    ),
    Trap(
        10,
        "one number written in two ways",
        "patients",
        (f"{nhs(1)[:3]} {nhs(1)[3:6]} {nhs(1)[6:]},E1,Family,,", f"{nhs(1)},E1,Family,,"),
        {"unchanged": 1, "repeated": 1},
        heading=PEOPLE,
    ),
    Trap(
        11,
        "a byte order mark on the first heading",
        "appointments",
        (A,),
        {"added": 1},
        encoding="utf-8-sig",
        then=(sa.select(appointment_source.c.key), "a"),  # without its id it would be added as well
    ),
    Trap(
        11,
        "letters of Windows-1252",
        "patients",
        (f"{nhs(9)},E9,Señor,1950-02-01,",),
        {"added": 1},
        heading=PEOPLE,
        encoding="cp1252",
        then=(sa.select(patient.c.family_name).where(patient.c.local_id == "E9"), "Señor"),
    ),
    Trap(
        12,
        "31 February, and a year of two digits",
        "appointments",
        (f"f1,{nhs(1)},31/02/2026,09:30,Booked", f"f2,{nhs(1)},15/05/20,09:30,Booked"),
        {"start_invalid": 2},
    ),
    Trap(
        13,
        "a date of death with a zone",
        "patients",
        (f"{nhs(1)},E1,2026-02-28T23:30:00-05:00",),
        {"changed": 1},
        heading="NHS Number,EMIS Number,Date of Death",
        then=(of(1, patient.c.death_date), date(2026, 2, 28)),
    ),
    Trap(
        14,
        "the hour that the clock repeats, and the one that it leaves out",
        "appointments",
        (
            f"r,{nhs(1)},2026-10-25,01:30,Booked",
            f"s,{nhs(3)},2026-10-25,01:00,Booked",
            f"t,{nhs(4)},2026-10-25,02:00,Booked",
            f"l,{nhs(2)},2026-03-29,01:30,Booked",
        ),
        {"added": 3, "start_invalid": 1},
        also={"hour_repeated": 2},
        then=(of(1, appointment.c.starts_at), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ),
    Trap(
        15,
        "am or pm for a time",
        "appointments",
        (f"p1,{nhs(1)},2026-03-03,am,Booked", f"p2,{nhs(1)},2026-03-03,,Booked"),
        {"start_invalid": 2},
    ),
    Trap(
        16,
        "a length in seconds",
        "appointments",
        (f"{A},900",),
        {"added": 1},
        heading=f"{SLOTS},Duration",
        how=SourceFormat(length_unit="seconds"),
        then=(of(1, appointment.c.minutes), 15),
    ),
    Trap(
        17,
        "the same file again, and a row twice in it",
        "appointments",
        (A, A),
        {"unchanged": 1, "repeated": 1},
        before=(A,),
    ),
    Trap(
        18,
        "an old consent after an opt-out",
        "consents",
        (f"{nhs(1)},consented,2024-01-01", f"{nhs(1)},consented,"),
        {"noted": 1, "consent_undated": 1},
        heading="NHS Number,Decision,Date",
        before=(f"{nhs(1)},{DONE},2025-03-01",),
        also={"opt_in": 1},
        then=(
            sa.select(consent.c.decision).order_by(consent.c.decided_at.desc()).limit(1),
            "opt_out",
        ),
    ),
    Trap(
        20,
        "a time of the last change that is always now",
        "appointments",
        (f"{A},2026-03-02T05:00:00Z",),
        {"unchanged": 1},
        heading=f"{SLOTS},meta.lastUpdated",
        before=(f"{A},2026-03-01T05:00:00Z",),
    ),
    Trap(
        21,
        "deletions that never come",
        "appointments",
        tuple(f"k{n},{nhs(n)},2026-03-03,09:30,Booked" for n in range(1, 9)),
        {"unchanged": 8},
        also={"no_longer_there": 1},
        before=tuple(f"k{n},{nhs(n)},2026-03-03,09:30,Booked" for n in range(1, 10)),
        options={"complete": Complete(0.2, date(2026, 3, 3), date(2026, 3, 3))},
        then=(of(9, appointment.c.status), "cancelled"),
    ),
    Trap(
        22,
        "a status that is missing",
        "appointments",
        (f"a,{nhs(1)},2026-03-04,09:30,", f"b,{nhs(2)},2026-03-03,09:30,"),
        {"status_unknown": 2},
        before=(A,),
        then=(of(1, appointment.c.status), "booked"),
    ),
    Trap(23, "a heading alone, without a line's end", "appointments", (), ending=""),
    Trap(
        24,
        "a year for a date of birth",
        "patients",
        (f"{nhs(9)},E9,Llwyd,1950,",),
        {"added": 1},
        heading=PEOPLE,
        also={"birth_date_partial": 1},
        then=(sa.select(patient.c.birth_date).where(patient.c.local_id == "E9"), None),
    ),
    Trap(
        25,
        "somebody else's number",
        "patients",
        (f"{nhs(9)},E9,Llwyd,1950-02-01,07700900123,parent's mobile",),
        {"added": 1},
        heading=f"{PEOPLE},ContactComments",
        also={"number_of_another": 1},
        then=(sa.select(patient.c.mobile).where(patient.c.local_id == "E9"), None),
    ),
    Trap(
        26,
        "a test patient",
        "patients",
        (f"{nhs(9)},E9,Llwyd,1950-02-01,07700900123,TRUE",),
        {"test_patient": 1},
        heading=f"{PEOPLE},DummyType",
    ),
    Trap(
        27,
        "columns without a name",
        "appointments",
        (A,),
        heading="column0,column1,column2,column3,column4",
        refused="row 1",
    ),
    Trap(
        27,
        "the heading once more as a row",
        "appointments",
        (SLOTS, A),
        {"nhs_number_invalid": 1, "added": 1},
    ),
]


def run(practice: Practice, trap: Trap, lines: tuple[str, ...]) -> Imported:
    path = practice.folder / "export.csv"
    text = "\n".join((trap.heading, *lines)) + trap.ending
    path.write_bytes(text.encode(trap.encoding))
    options = Options(by="nia", source="emis", how=trap.how, **trap.options)
    file = open_file(trap.kind, path, trap.how)
    return run_import(practice.record, practice.clock, trap.kind, file, options)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: f"trap-{trap.number}-{trap.name}")
def test_a_trap(record: Record, clock: FakeClock, tmp_path: Path, trap: Trap) -> None:
    practice = Practice(record, clock, tmp_path)
    most = 8 if trap.kind == "patients" else 10
    for n in range(1, most):
        practice.patient(n)
    count_on(record)
    if trap.before:
        run(practice, trap, trap.before)
    before = rows_of(record)
    if trap.refused:
        with pytest.raises(ListRefused, match=trap.refused):
            run(practice, trap, trap.lines)
        assert rows_of(record) == before
        return
    result = run(practice, trap, trap.lines)
    assert result.counts == trap.counts
    assert {name: result.also[name] for name in trap.also} == trap.also
    assert_explained(trap.kind, before, rows_of(record), result)
    if trap.then is not None:
        with record.read() as connection:
            assert connection.scalars(trap.then[0]).one() == trap.then[1]


def test_trap_6_numbers_of_a_sheet_are_times_and_days(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path)
    practice.patient(1)
    rows = [
        SLOTS.split(","),
        ["a", nhs(1), datetime(2026, 3, 3), time(11, 0), "Booked"],  # noqa: DTZ001
        ["b", nhs(1), datetime(2026, 3, 4), 0.458333, "Booked"],  # noqa: DTZ001  no format of a time
        ["c", nhs(1), 44537, time(11, 0), "Booked"],
    ]
    file = open_file("appointments", excel(tmp_path / "slots.xlsx", rows))
    result = run_import(record, clock, "appointments", file, Options(by="nia"))
    assert result.counts == {"added": 1, "start_invalid": 2}
    with record.read() as connection:
        starts = connection.scalars(of(1, appointment.c.starts_at)).all()
    assert starts == [datetime(2026, 3, 3, 11, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("number", "counts", "stops"),
    [
        (
            3,
            {"unchanged": 10, "no_longer_there": 90},
            ["changed"],
        ),  # a "full" file without a practice
        (
            4,
            {"unchanged": 25},
            ["rows_like_last", "rows_like_most"],
        ),  # sharing was switched off for most
    ],
    ids=["trap-3-mass removal", "trap-4-under a third came"],
)
def test_a_trap_of_how_much_came(number: int, counts: dict[str, int], stops: list[str]) -> None:
    """Its content is trusted, whatever it calls itself."""
    now = datetime(2026, 3, 2, tzinfo=UTC)
    before = (100, 99, 101) if number == 4 else ()
    figures = figures_of(
        counts, now=now, as_of=now - timedelta(hours=1), before=before, whole=True, no_number=None
    )
    verdict = judge_source(figures, SyncChecks())
    assert [check.name for check in verdict.checks if check.stops] == stops


def test_trap_19_pages_of_a_server_that_repeat_and_an_empty_last_one(tmp_path: Path) -> None:
    """Each entry once, however often it comes; the server's own count agrees."""
    pages = (["a", "b"], ["b", "c"], [])

    def answer(asked: Asked) -> Said:
        if asked.path == "/fhir/Patient":
            return Said(bundle(PATIENT))
        if "_summary" in asked.query:
            return Said(bundle() | {"total": 3})
        page = int(asked.query.get("page", ["0"])[0])
        links = [{"relation": "next", "url": f"Appointment?page={page + 1}"}] if page < 2 else []
        return Said(bundle(*(APPOINTMENT | {"id": key} for key in pages[page]), link=links))

    with standing_in(answer) as there:
        _, rows = fetched(fhir(there.url), "appointments", tmp_path)
    assert [row["Appointment ID"] for row in rows] == ["a", "b", "c"]


def test_each_of_the_traps_is_tried() -> None:
    assert {trap.number for trap in TRAPS} | {3, 4, 19} == set(range(1, 28))
