"""NEW-15, ACX-18: extracts of EMIS, SystmOne, Synthea and OMOP are read by their own headings."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from clinic.imports.kinds import KINDS, open_file, run_import
from clinic.imports.layouts import COLUMNS
from clinic.imports.options import Options
from clinic.record.database import Record
from clinic.settings import ImportKind, SourceFormat
from clinic.settings.sources import LayoutName
from tests.fakes import FakeClock
from tests.main_job import nhs

# Of each: patients, then something of theirs by the extract's own id
EXTRACTS: dict[LayoutName, list[tuple[ImportKind, str, str]]] = {
    "emis-bulk": [
        (
            "patients",
            "PatientGuid,OrganisationGuid,Sex,DateOfBirth,DateOfDeath,GivenName,Surname,NhsNumber,"
            "PatientNumber,DummyType,HouseNameFlatNumber,NumberAndStreet,Town,Postcode,Deleted,MobilePhone,ContactComments",
            f"{{A1}},{{O}},F,1980-12-31,,Siân,Llwyd,{nhs(1)},77,False,,1 High St,Tref,EF12GH,False,0770090001,",
        ),
        (
            "appointments",
            "SlotGuid,AppointmentDate,AppointmentStartTime,PlannedDurationInMinutes,"
            "PatientGuid,OrganisationGuid,SlotStatus,Deleted",
            "{S1},2026-03-04,10:30:00,10,{A1},{O},Booked,False",
        ),
    ],
    "systmone-bulk": [
        (
            "patients",
            "RowIdentifier,IDOrganisationVisibleTo,FirstName,Surname,NHSNumber,DateBirth,DateDeath,Gender,TestPatient,RemovedData",
            f"501,A1,Siân,Llwyd,{nhs(1)},31 Dec 1980,,F,FALSE,0",
        ),
        (
            "appointments",
            "RowIdentifier,IDOrganisationVisibleTo,DateStart,AppointmentStatus,RotaType,IDPatient",
            "9,A1,29 Sep 2026 14:53:28,0,GP,501",
        ),
    ],
    "synthea": [
        (
            "patients", "Id,BIRTHDATE,DEATHDATE,FIRST,LAST,GENDER,ADDRESS,CITY,STATE,ZIP",
            "b9c6,1980-12-31,,Ann12,Owen34,F,1 High St,Tref,MA,02108",
        ),
        ("diagnoses", "START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION",
         "2020-01-01,,b9c6,e,38341003,Hypertension"),
        ("medications", "START,STOP,PATIENT,CODE,DESCRIPTION",
         "2020-01-01T09:00:00Z,,b9c6,314076,lisinopril 10 MG"),
    ],
    "omop": [
        ("patients", "person_id,year_of_birth,birth_datetime,gender_source_value",
         "6,1963,1963-12-31 00:00:00,F"),
        (
            "diagnoses",
            "person_id,condition_concept_id,condition_start_date,condition_end_date,condition_source_value",
            "6,1,2020-01-01,,38341003",
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize("layout", EXTRACTS)
def test_an_extract_is_read_by_its_own_headings_and_ids(
    sqlite_record: Record, tmp_path: Path, layout: LayoutName
) -> None:
    """Each row finds its patient by the extract's own id, and again changes nothing."""
    how = SourceFormat(layout=layout)
    for outcome in ("added", "unchanged"):
        for kind, heading, row in EXTRACTS[layout]:
            path = tmp_path / f"{kind}.csv"
            path.write_text(f"{heading}\n{row}\n", encoding="utf-8")
            options = Options(by="nia", source="x", how=how)
            result = run_import(
                sqlite_record, FakeClock(), kind, open_file(kind, path, how), options
            )
            assert (kind, dict(result.counts)) == (kind, {outcome: 1})


def test_every_column_of_a_layout_is_one_of_ours() -> None:
    assert set(COLUMNS) == set(get_args(LayoutName))
    strange = [
        (layout, kind, name)
        for layout, kinds in COLUMNS.items()
        for kind, columns in kinds.items()
        for name in columns
        if name not in KINDS[kind].kind.fields()
    ]
    assert strange == []
