"""
NEW-15, ACX-18: the states of the bulk extracts' appointments, and ids unique only within an organisation.

EMIS says the state by columns of its own, the first that is set; SystmOne by a number.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.imports.identity import short_of
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.result import Imported
from clinic.record.database import Record
from clinic.record.schema.people import appointment, patient
from clinic.settings import ImportKind, SourceFormat
from clinic.settings.sources import LayoutName
from tests.fakes import FakeClock

EMIS = (
    "SlotGuid,AppointmentDate,AppointmentStartTime,PlannedDurationInMinutes,PatientGuid,SendInTime,LeftTime,"
    "DidNotAttend,OrganisationGuid,SlotStatus,IsBlocked,Deleted"
)
PEOPLE = "PatientGuid,OrganisationGuid,GivenName,Surname,DateOfBirth,MobilePhone"
TPP = "RowIdentifier,IDOrganisationVisibleTo,DateStart,AppointmentStatus,IDPatient,RemovedData"
TPP_PEOPLE = "RowIdentifier,IDOrganisationVisibleTo,FirstName,Surname,DateBirth"
ANN, BEN = "{0D7E0B5C-6D6A-4F4B-9F0C-0A1B2C3D4E5F}", "{1D7E0B5C-6D6A-4F4B-9F0C-0A1B2C3D4E5F}"
ONE, TWO = "{AAAAAAAA-0000-4000-8000-000000000001}", "{AAAAAAAA-0000-4000-8000-000000000002}"


def slot(
    who: str = ANN, came: str = "", left: str = "", dna: str = "False", status: str = "",
    blocked: str = "False", *, practice: str = ONE, at: str = "09:30:00",
) -> str:  # fmt: skip
    return (
        f"{{S1}},2026-03-04,{at},10,{who},{came},{left},{dna},{practice},{status},{blocked},False"
    )


class Extract:
    """A bulk extract, table by table."""

    def __init__(self, record: Record, folder: Path, layout: LayoutName) -> None:
        self.record, self.folder = record, folder
        self.how = SourceFormat(layout=layout)

    def imported(self, kind: ImportKind, heading: str, *rows: str) -> Imported:
        path = self.folder / f"{kind}.csv"
        path.write_text("\n".join((heading, *rows, "")), encoding="utf-8")
        options = Options(by="nia", source="bulk", how=self.how)
        return run_import(self.record, FakeClock(), kind, open_file(kind, path, self.how), options)

    def states(self) -> list[tuple[int, str]]:
        query = sa.select(appointment.c.patient_id, appointment.c.status).order_by(appointment.c.id)
        with self.record.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]


@pytest.fixture
def emis(sqlite_record: Record, tmp_path: Path) -> Extract:
    made = Extract(sqlite_record, tmp_path, "emis-bulk")
    people = (
        f"{ANN},{ONE},Ann,Owen,1980-12-31,07700900101",
        f"{BEN},{ONE},Ben,Rees,1970-12-31,07700900102",
    )
    assert made.imported("patients", PEOPLE, *people).counts == {"added": 2}
    return made


@pytest.fixture
def systmone(sqlite_record: Record, tmp_path: Path) -> Extract:
    made = Extract(sqlite_record, tmp_path, "systmone-bulk")
    made.imported("patients", TPP_PEOPLE, "501,A81001,Ann,Owen,31 Dec 1980")
    return made


# What EMIS's columns say of a slot that was booked: outcome, and the state afterwards
SLOTS = [
    (slot(), "unchanged", "booked"),  # whose slot it is, is booked: the word is often empty
    (slot(status="Booked"), "unchanged", "booked"),
    (slot(dna="True"), "changed", "no_show"),
    (slot(dna="true", left="10:01:00", came="09:31:00"), "changed", "no_show"),
    (slot(left="10:01:00", came="09:31:00"), "changed", "finished"),
    (slot(left="10:01:00", status="Booked"), "changed", "finished"),
    (slot(came="09:31:00"), "changed", "arrived"),
    (slot(came="09:31:00", status="Booked"), "changed", "arrived"),
    (slot(status="DNA"), "changed", "no_show"),  # the word, where no column says it
    (slot(status="Perhaps"), "status_unknown", "booked"),
    (slot(blocked="True"), "unchanged", "booked"),  # somebody's all the same: expected, and counted
    (slot(blocked="True", left="10:01:00"), "changed", "finished"),
    (slot(""), "cancelled", "cancelled"),
    (slot("", blocked="True"), "cancelled", "cancelled"),
    (slot("", status="Booked"), "cancelled", "cancelled"),
]


@pytest.mark.parametrize(("row", "outcome", "state"), SLOTS)
def test_what_the_columns_of_an_emis_slot_say(
    emis: Extract, row: str, outcome: str, state: str
) -> None:
    assert emis.imported("appointments", EMIS, slot(status="Booked")).counts == {"added": 1}
    result = emis.imported("appointments", EMIS, row)
    assert (dict(result.counts), emis.states()) == ({outcome: 1}, [(1, state)])
    assert result.unused == ()


def test_a_blocked_slot_with_a_patient_is_counted(emis: Extract) -> None:
    """data-in.md: whose slot it is, is booked; that it is blocked too may be a slip, which people see."""
    for row, blocked in ((slot(), 0), (slot(blocked="True"), 1), (slot("", blocked="True"), 0)):
        assert emis.imported("appointments", EMIS, row).also["slot_blocked"] == blocked


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (slot(), "added"),
        (slot(blocked="True"), "added"),
        (slot(came="09:31:00"), "added"),
        (slot(left="10:01:00"), "not_here"),
        (slot(dna="True"), "not_here"),
        (slot(""), "slot_free"),
        (slot("", blocked="True"), "slot_free"),
        (slot(status="Perhaps"), "status_unknown"),
    ],
)
def test_what_becomes_of_an_emis_slot_that_is_new(emis: Extract, row: str, outcome: str) -> None:
    assert emis.imported("appointments", EMIS, row).counts == {outcome: 1}


def test_an_empty_state_is_booked_only_in_an_extract_that_has_all_of_its_columns(
    emis: Extract,
) -> None:
    """Without LeftTime nobody knows whether the visit is over; a list of another kind says no state at all."""
    heading = EMIS.replace("LeftTime", "Something")
    assert emis.imported("appointments", heading, slot()).counts == {"status_unknown": 1}
    emis.how = SourceFormat(columns={"appointments": {"local_id": "PatientGuid",
                                                      "organisation_id": "OrganisationGuid"}})  # fmt: skip
    assert emis.imported("appointments", EMIS, slot()).counts == {"status_unknown": 1}


# SystmOne's numbers, as OpenSAFELY publishes them
NUMBERS = {
    "0": "booked", "1": "arrived", "3": "arrived", "4": "finished", "2": "no_show", "14": "no_show",
    "16": "no_show", "10": "cancelled", "11": "cancelled", "12": "cancelled", "15": "cancelled",
    "5": None, "6": None, "8": None, "9": None, "7": None, "": None,
}  # fmt: skip


@pytest.mark.parametrize(("number", "state"), NUMBERS.items())
def test_what_the_numbers_of_systmone_mean(
    systmone: Extract, number: str, state: str | None
) -> None:
    systmone.imported("appointments", TPP, "9,A81001,29 Sep 2026 14:53:28,0,501,0")
    row = f"9,A81001,29 Sep 2026 14:53:28,{number},501,0"
    result = systmone.imported("appointments", TPP, row)
    assert systmone.states() == [(1, state or "booked")]
    assert ("status_unknown" in result.counts) == (state is None)


def test_a_row_of_systmone_that_is_taken_out_without_its_patient_is_found(
    systmone: Extract,
) -> None:
    systmone.imported("appointments", TPP, "9,A81001,29 Sep 2026 14:53:28,0,501,0")
    other = systmone.imported("appointments", TPP, "9,B82002,,,,1")
    assert (other.counts, systmone.states()) == ({"slot_free": 1}, [(1, "booked")])
    own = systmone.imported("appointments", TPP, "9,A81001,,,,1")
    assert (own.counts, systmone.states()) == ({"cancelled": 1}, [(1, "cancelled")])


def test_the_same_guid_of_another_practice_is_another_patient_and_another_slot(
    emis: Extract,
) -> None:
    """GUIDs come again in another practice's extract: neither patient is the other, nor their appointment."""
    emis.imported("appointments", EMIS, slot())
    other = f"{ANN},{TWO},Carys,Pugh,1990-12-31,07700900103"
    assert emis.imported("patients", PEOPLE, other).counts == {"added": 1}
    later = slot(practice=TWO, at="11:00:00")
    assert emis.imported("appointments", EMIS, later).counts == {"added": 1}
    assert emis.states() == [(1, "booked"), (3, "booked")]
    gone = slot("", practice=TWO, at="11:00:00")
    assert emis.imported("appointments", EMIS, gone).counts == {"cancelled": 1}
    assert emis.states() == [(1, "booked"), (3, "cancelled")]


def test_an_id_with_its_organisation_is_one_of_at_most_40_characters(emis: Extract) -> None:
    with emis.record.read() as connection:
        ids = connection.scalars(sa.select(patient.c.local_id).order_by(patient.c.id)).all()
    assert ids[0] == f"0D7E0B5C6D6A4F4B9F0C0A1B2C3D4E5F@{short_of(ONE)}"
    assert len(str(ids[0])) == 40
    assert short_of(ONE) == short_of(ONE.strip("{}").lower()) != short_of(TWO)
    assert (short_of(" a81001 "), short_of("")) == ("A81001", "")


def test_a_row_without_its_organisation_is_known_by_its_id_alone(systmone: Extract) -> None:
    row = "9,,29 Sep 2026 14:53:28,0,501,0"
    assert systmone.imported("appointments", TPP, row).counts == {"patient_not_found": 1}
