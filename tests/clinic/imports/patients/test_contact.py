"""NEW-26: what an export of the practice's system says of how patients may be contacted."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.cohort.files import open_list
from clinic.imports.options import Options
from clinic.imports.patients.run import PatientsImported, import_patients
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.people import consent, patient
from clinic.record.schema.safety import safe_contact
from tests.fakes import FakeClock
from tests.main_job import nhs

HEADING = "NHS Number,Given Name,Family Name"


def take(
    record: Record, folder: Path, heading: str, *cells: str, name: str = "p.csv"
) -> tuple[PatientsImported, list[int], list[tuple[int, str, str, str]]]:
    """Import a patient a cell; who is contacted by no channel then, and who opted out of what."""
    rows = [f"{nhs(n)},Given{n},Family{n},{cell}" for n, cell in enumerate(cells, start=1)]
    path = folder / name
    path.write_text("\n".join([f"{HEADING},{heading}", *rows]) + "\n", encoding="utf-8")
    clock = FakeClock()
    result = import_patients(record, clock, open_list(path), Options(by="nia"))
    number = {nhs(n): n for n in range(1, 20)}
    with record.read() as connection:
        ids = {
            row.id: number[row.nhs_number]
            for row in connection.execute(sa.select(patient.c.id, patient.c.nhs_number))
        }
        none = connection.execute(
            sa.select(safe_contact).where(
                ~safe_contact.c.sms, ~safe_contact.c.email, ~safe_contact.c.voice
            )
        )
        restricted = sorted(ids[row.patient_id] for row in none)
        out = connection.execute(sa.select(consent).order_by(consent.c.id))
        declined = [(ids[row.patient_id], row.channel, row.purpose, row.decision) for row in out]
    return result, restricted, sorted(declined)


@pytest.mark.parametrize(
    ("heading", "cells", "restricted", "unclear"),
    [
        ("SpineSensitive", ("Y", "N", "", "true"), [1, 4], 0),
        ("PDS Sensitivity", ("U", "R", "V", "unrestricted"), [2, 3], 0),
        ("Confidentiality code", ("N", "R", "U", ""), [2], 0),
        ("S-Flag", ("S", "no", "x", "2025-01-02"), [1, 3, 4], 0),
        ("Safeguarding", ("Yes", "see notes", "No.", "-"), [1], 1),
        ("Domestic abuse – do not text", ("yes", "no", "", ""), [1], 0),
        ("Favourite colour", ("yes", "R", "S", "sensitive"), [], 0),
    ],
)
def test_a_mark_in_the_export_ends_in_contact_by_no_channel(
    sqlite_record: Record, tmp_path: Path, heading: str, cells: tuple[str, ...],
    restricted: list[int], unclear: int,
) -> None:  # fmt: skip
    """SpineSensitive of SystmOne, "R" and "V" of PDS, a practice's own column."""
    result, found, declined = take(sqlite_record, tmp_path, heading, *cells)
    assert (found, declined) == (restricted, [])
    assert (result.contact.restricted, result.contact.unclear.total()) == (len(restricted), unclear)
    assert (heading in result.unused) == (heading == "Favourite colour")


@pytest.mark.parametrize(
    ("heading", "cells", "declined"),
    [
        ("SMS Declined", ("Yes", "No", "", "2024-05-01"), [(1, "sms"), (4, "sms")]),
        ("Do not text", ("x", "", "n", "N"), [(1, "sms")]),
        ("Consent to e-mail", ("No", "Yes", "", "refused"), [(1, "email"), (4, "email")]),
        ("No contact", ("1", "0", "", ""), [(1, "any")]),
        ("SMS Consent Code", ("9ndQ.", "9ndP.", "513631000000106", "12345"), [(1, "sms"), (3, "sms")]),
        ("Flu vaccine declined", ("Yes", "", "", ""), []),
        ("Recall declined", ("Yes", "", "", ""), []),
    ],
)  # fmt: skip
def test_who_declined_a_channel_is_opted_out_of_it(
    sqlite_record: Record, tmp_path: Path, heading: str, cells: tuple[str, ...],
    declined: list[tuple[int, str]],
) -> None:  # fmt: skip
    """By word or by code; what does not name messages may be about anything."""
    result, restricted, found = take(sqlite_record, tmp_path, heading, *cells)
    assert restricted == []
    assert found == [(n, channel, "any", "opt_out") for n, channel in declined]
    assert result.contact.opted_out == len(declined)


def test_the_same_file_again_sets_nothing_twice_and_a_no_lifts_nothing(
    record: Record, tmp_path: Path
) -> None:
    """On both databases; the trail has how many, and no more."""
    heading = "SpineSensitive,SMS Declined"
    take(record, tmp_path, heading, "Y,yes", "N,no")
    again, restricted, declined = take(record, tmp_path, heading, "Y,yes", "N,no", name="2.csv")
    assert (restricted, declined) == ([1], [(1, "sms", "any", "opt_out")])
    assert (again.contact.restricted, again.contact.opted_out) == (0, 0)
    _, restricted, declined = take(record, tmp_path, heading, "N,no", "Y,no", name="3.csv")
    assert (restricted, declined) == ([1, 2], [(1, "sms", "any", "opt_out")])
    with record.read() as connection:
        acts = connection.scalars(
            sa.select(audit_act.c.new_values).where(
                audit_act.c.operation_type == "patients.imported"
            )
        ).all()
    assert ['"no_contact":1' in str(act).replace(" ", "").replace("'", '"') for act in acts] == [
        True, False, True,
    ]  # fmt: skip


def test_a_row_that_is_not_imported_sets_nothing_and_a_repeated_one_does(
    sqlite_record: Record, tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    rows = [f"{nhs(1)},A,B,N", f"{nhs(1)},A,B,Y", "1234567890,C,D,Y"]
    path.write_text("\n".join([f"{HEADING},Sensitive", *rows]) + "\n", encoding="utf-8")
    clock = FakeClock()
    result = import_patients(sqlite_record, clock, open_list(path), Options(by="nia"))
    assert result.counts == {"added": 1, "repeated": 1, "nhs_number_invalid": 1}
    assert result.contact.restricted == 1


def test_the_national_opt_out_is_noted_as_it_is_now_and_stops_no_message(
    record: Record, tmp_path: Path
) -> None:
    """NEW-40: yes in either column counts; it may be lifted, which a later file says."""
    both = "National Data Opt-out,Type 1 opt out"
    first, _, said = take(record, tmp_path, both, "yes,no", "no,", ",", "no,Y", "perhaps,")
    assert said == [(n, "any", "national_opt_out", "opt_out") for n in (1, 4)]
    assert (first.contact.kept_from_research, first.contact.unclear.total()) == (2, 1)
    again, _, said = take(record, tmp_path, both, "no,no", "no,", ",", "yes,", ",", name="2.csv")
    assert said == [
        (1, "any", "national_opt_out", "opt_in"),
        (1, "any", "national_opt_out", "opt_out"),
        (4, "any", "national_opt_out", "opt_out"),
    ]
    assert (again.contact.kept_from_research, again.contact.opted_out) == (0, 0)
