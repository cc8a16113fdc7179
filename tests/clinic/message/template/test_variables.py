"""What a template may speak of, and each recipient's values for it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.cohort.import_list import take_in_file
from clinic.cohort.rows import get_list, read_rows
from clinic.errors import TemplateRefused
from clinic.message.template.template import compile_template
from clinic.message.template.variables import ALLOWED, Setting, allowed_variables, variable_frame
from clinic.record.database import Record
from clinic.record.schema.people import appointment, facility, provider
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    practice = Practice(record, clock, tmp_path, name="Tŷ Elli", phone="029 2018 0000")
    with record.write() as connection:
        connection.execute(
            sa.insert(facility).values(id=1, code="F1", name="Mill Road", phone="020 7946 0000")
        )
        connection.execute(sa.insert(facility).values(id=2, code="F2", name="Castle Street"))
        connection.execute(sa.insert(provider).values(id=1, code="P1", name="Dr Owen"))
        connection.execute(sa.insert(provider).values(id=2, code="P2", name="Dr Rees"))
    practice.patient(1, title="Mrs", given_name="Siân", facility_id=1, provider_id=1)
    practice.patient(2)
    return practice


def values(
    practice: Practice, names: list[str], *rows: str, ids: list[int | None], heading: str
) -> pd.DataFrame:
    """The values of these variables for a list's rows, matched to these patients."""
    path = practice.file(*rows, heading=heading)
    list_id = take_in_file(
        practice.record, practice.clock, path, request_key="k", name="x", scheme="generic",
        taken_by="nia",
    )  # fmt: skip
    with practice.record.read() as connection:
        source = get_list(connection, list_id)
        frame = read_rows(connection, source, after=0)
        frame["patient_id"] = pd.array(ids, dtype="Int64")
        setting = Setting(practice.settings.organisation, practice.clock.now())
        return variable_frame(connection, source, frame, names, setting=setting)


def one(practice: Practice, name: str) -> object:
    frame = values(practice, [name], nhs(1), ids=[1], heading="NHS Number")
    return frame.loc[2, name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("patient.title", "Mrs"),
        ("patient.given_name", "Siân"),
        ("patient.family_name", "Family"),
        ("patient.full_name", "Siân Family"),
        ("patient.local_id", "E1"),
        ("organisation.name", "Tŷ Elli"),
        ("organisation.phone", "029 2018 0000"),
        ("facility.name", "Mill Road"),
        ("facility.phone", "020 7946 0000"),
        ("provider.name", "Dr Owen"),
        ("appointment.date", date(2026, 6, 1)),
        ("appointment.when", "Monday 1 June"),
        ("appointment.time", "10:30"),
        ("appointment.day", "Monday"),
        ("appointment.place", "Room 2"),
        ("appointment.type", "review"),
        ("appointment.minutes", "15"),
        ("appointment.facility", "Castle Street"),
        ("appointment.provider", "Dr Rees"),
    ],
)
def test_each_variable_has_the_patients_own_value(
    practice: Practice, name: str, value: object
) -> None:
    """The appointment is at 9:30 UTC in summer: patients are told their own clock."""
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(appointment).values(
                patient_id=1, place="Room 2", visit_type="review", facility_id=2, provider_id=2,
                starts_at=datetime(2026, 6, 1, 9, 30, tzinfo=UTC),
            )
        )  # fmt: skip
    assert one(practice, name) == value
    assert name in ALLOWED


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(days=299), "Saturday 26 December"),
        (timedelta(days=300), "Sunday 27 December 2026"),
        (timedelta(days=366 + 363), "Tuesday 29 February 2028"),
    ],
)
def test_a_day_that_would_be_taken_for_another_years_is_said_with_its_year(
    practice: Practice, ahead: timedelta, said: str
) -> None:
    """COM-3: nobody reads "Monday 6 December" as that of the year after next."""
    with practice.record.write() as connection:
        at = practice.clock.now() + ahead
        connection.execute(sa.insert(appointment).values(patient_id=1, starts_at=at))
    assert one(practice, "appointment.when") == said


def test_of_several_appointments_the_next_that_is_booked_counts(practice: Practice) -> None:
    now = practice.clock.now()
    rows = [(-1, "booked"), (1, "cancelled"), (3, "booked"), (2, "booked"), (0, "started")]
    with practice.record.write() as connection:
        connection.execute(
            sa.insert(appointment),
            [
                {"patient_id": 1, "starts_at": now + timedelta(days=days), "status": status}
                for days, status in rows
            ],
        )
    assert one(practice, "appointment.date") == date(2026, 3, 4)


@pytest.mark.parametrize("name", sorted(ALLOWED - {"organisation.name"}))
def test_what_somebody_does_not_have_is_none_and_never_a_word(
    practice: Practice, name: str
) -> None:
    """ARC-9: "None" or "nan" in a patient's message would be worse than no message."""
    practice.patient(3, given_name="", family_name="", local_id=None)
    own = practice.settings.organisation.model_copy(update={"phone": ""})
    practice.settings = practice.settings.model_copy(update={"organisation": own})
    frame = values(practice, [name], nhs(3), ids=[3], heading="NHS Number")
    assert frame.loc[2, name] is None


@pytest.mark.parametrize(
    ("heading", "row", "expected"),
    [
        ("NHS Number,First Name", f"{nhs(150)},Joe", "Joe"),
        ("NHS Number,Note", f"{nhs(150)},Joe", None),
        ("NHS Number,First Name", f"{nhs(150)},  ", None),
    ],
)
def test_who_is_not_in_the_record_is_greeted_by_the_lists_name_or_not_at_all(
    practice: Practice, heading: str, row: str, expected: str | None
) -> None:
    """ACX-22: the greeting needs the list's name column."""
    frame = values(practice, ["patient.given_name"], row, ids=[-int(nhs(150))], heading=heading)
    assert frame.loc[2, "patient.given_name"] == expected


def test_who_is_in_the_record_is_greeted_by_the_records_name(practice: Practice) -> None:
    frame = values(
        practice, ["patient.given_name"], f"{nhs(1)},Shan", ids=[1],
        heading="NHS Number,First Name",
    )  # fmt: skip
    assert frame.loc[2, "patient.given_name"] == "Siân"


def test_a_lists_columns_are_spoken_of_by_their_headings(practice: Practice) -> None:
    heading = 'NHS Number,"Surgery: Date",Enw (Cymraeg)'
    assert {"list.Surgery_Date", "list.Enw_Cymraeg"} <= allowed_variables(
        ["Surgery: Date", "Enw (Cymraeg)"]
    )
    frame = values(
        practice, ["list.Surgery_Date", "list.Enw_Cymraeg"],
        f"{nhs(1)}, 3 March ,Siân", f"{nhs(2)},,", ids=[1, 2], heading=heading,
    )  # fmt: skip
    assert frame.loc[2].to_list() == ["3 March", "Siân"]
    assert frame.loc[3].to_list() == [None, None]


def test_each_column_has_a_name_of_its_own_that_can_be_typed(practice: Practice) -> None:
    """ACX-22: a name that two columns would share is neither's, and is refused where it is used."""
    columns = ["NHS Number", "Clinic (time)", "Clinic time", "1st choice", "???", "Enw"]
    names = allowed_variables(columns) - allowed_variables()
    assert names == {
        "list.NHS_Number", "list.Clinic_time_B", "list.Clinic_time_C", "list.column_1st_choice",
        "list.column_E", "list.Enw",
    }  # fmt: skip
    text = " ".join(f"{{{{ {name} }}}}" for name in sorted(names))
    assert set(compile_template(text, allowed=frozenset(names)).variables) == names
    with pytest.raises(TemplateRefused, match=r"list\.Clinic_time_B or list\.Clinic_time_C\?"):
        compile_template("{{ list.Clinic_time }}", allowed=frozenset(names))
    frame = values(
        practice, ["list.Clinic_time_B", "list.Clinic_time_C", "list.column_1st_choice"],
        f"{nhs(1)},9:00,10:00,tea", ids=[1], heading=",".join(columns[:4]),
    )  # fmt: skip
    assert frame.loc[2].to_list() == ["9:00", "10:00", "tea"]


def test_rows_that_match_nobody_have_no_values(practice: Practice) -> None:
    frame = values(
        practice, ["patient.given_name", "provider.name", "appointment.date"], nhs(150),
        ids=[None], heading="NHS Number",
    )  # fmt: skip
    assert frame.loc[2].to_list() == [None, None, None]
