"""
What a template may speak of, and each recipient's values for it.

    patient.given_name       the record; where somebody is not in it, the list's own column (ACX-22)
    appointment.date         the patient's next booked appointment; in a reminder, the one it is about
    appointment.when         its weekday and date; with the year where it is far ahead
    appointment.facility     where that appointment is, and with whom: never a guess from the patient's own
    organisation.name        the settings
    facility.*, provider.*   the patient's own; in a reminder, those of the appointment it is about
    list.Surgery_Date        the list's column of that heading, spaces and punctuation as _; two that
                             would be alike carry their letter, list.Clinic_time_B

Only what a template names is read, a block of rows at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.columns import column_letter
from clinic.cohort.rows import ListSource
from clinic.message.template.inert import DATE_FORMATS
from clinic.record.bulk import is_any_of, plain_frame
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.record.schema.receipts import reminder
from clinic.settings import (
    Content,
    Needs,
    Organisation,
    Pacing,
    Phones,
    Release,
    Settings,
    Sharing,
)
from clinic.settings.systems.door import Door
from clinic.values.calendar import Calendar, calendar_of

_PATIENT = ("title", "given_name", "family_name", "full_name", "local_id")
_APPOINTMENT = ("date", "when", "time", "day", "place", "type", "minutes", "facility", "provider")
# In a reminder these are the visit's: whoever is sent to their usual surgery misses it
# "Monday 6 December" is read as the next one: one of another year is told with it
_SAME_YEAR = timedelta(days=300)
_OF_VISIT = frozenset({"appointment", "facility", "provider"})
ALLOWED = frozenset(
    [f"patient.{name}" for name in _PATIENT]
    + [f"appointment.{name}" for name in _APPOINTMENT]
    + ["organisation.name", "organisation.phone", "provider.name"]
    + ["facility.name", "facility.phone"]
)


_TABLES = {"facility": facility, "provider": provider}


def list_variable(heading: str) -> str:
    """The name by which a template speaks of a list's column, if no other column has the same."""
    name = re.sub(r"\W+", "_", heading).strip("_")
    if name and not name.isidentifier():
        name = re.sub(r"[^0-9A-Za-z_]", "_", name).strip("_")
        # "1st choice": a name that begins with a digit cannot be written in a template
        name = f"column_{name}" if name[:1].isdigit() else name
    return "list." + name


def list_variables(columns: Sequence[str]) -> dict[str, int]:
    """
    Every column's own name in a template → its place.

    Headings that would give one name give each its column's letter: "Clinic (time)" and "Clinic time"
    are list.Clinic_time_B and list.Clinic_time_D, and list.Clinic_time is neither.
    """
    names = [list_variable(heading) for heading in columns]
    often = Counter(names)
    own: dict[str, int] = {}
    for place, name in enumerate(names):
        if name == "list.":
            name = f"list.column_{column_letter(place)}"
        elif often[name] > 1:
            name = f"{name}_{column_letter(place)}"
        own[name if name not in own else f"{name}_column_{column_letter(place)}"] = place
    return own


def allowed_variables(columns: Sequence[str] = ()) -> frozenset[str]:
    """Every name that a template may use with a list of these columns."""
    return ALLOWED | set(list_variables(columns))


@dataclass(frozen=True)
class Setting:
    """
    What is the same for all recipients.

    replies_read: what they reply by SMS reaches the practice; release, pacing: what a campaign as a whole is
    held against
    """

    organisation: Organisation
    now: datetime
    content: Content = field(default_factory=Content)
    replies_read: bool = True
    calendar: Calendar = field(default_factory=Calendar)
    sharing: Sharing = field(default_factory=Sharing)
    phones: Phones = field(default_factory=Phones)
    release: Release = field(default_factory=Release)
    pacing: Pacing = field(default_factory=Pacing)
    needs: Needs = field(default_factory=Needs)
    door: Door = field(default_factory=Door)


def setting_of(settings: Settings, now: datetime) -> Setting:
    """As this installation has it. Without receipts nothing that a patient replies comes back."""
    receipts = settings.receipts
    return Setting(
        settings.organisation,
        now,
        settings.content,
        replies_read=bool(receipts.secret.get_secret_value()) or receipts.pull,
        calendar=calendar_of(settings),
        sharing=settings.sharing,
        phones=settings.phones,
        release=settings.release,
        pacing=settings.pacing,
        needs=settings.needs,
        door=settings.door,
    )


def variable_frame(
    connection: Connection,
    source: ListSource,
    rows: pd.DataFrame,
    names: Sequence[str],
    *,
    setting: Setting,
) -> pd.DataFrame:
    """
    The values that recipients have for these variables.

    Args:
        rows: index row_number; `patient_id` Int64 and `cells` (the list's texts)
        names: dotted names out of `allowed_variables`

    Returns:
        same index; a column a name, in their order; text, or `date` and `datetime` in the
        organisation's time zone; None where somebody has no value
    """
    frame = pd.DataFrame(index=rows.index)
    tables: dict[str, pd.DataFrame] = {}
    ids = rows["patient_id"].astype(object)

    def in_rows(space: str) -> bool:
        """Whether it is the row, not the patient, that says which one is meant."""
        return space in _OF_VISIT and source.source == "report"

    for name in names:
        space, _, field = name.partition(".")
        if space == "organisation":
            frame[name] = getattr(setting.organisation, field) or None
        elif space == "list":
            frame[name] = _cells(source, rows, name)
        else:
            if space not in tables:
                tables[space] = (
                    _of_visit(connection, space, source, rows, setting)
                    if in_rows(space)
                    else _read(connection, space, ids, setting)
                )
            values = tables[space][field].reindex(rows.index if in_rows(space) else ids)
            values.index = rows.index
            frame[name] = values.where(values.notna() & (values != ""), None)
            if space == "patient" and field in source.fields:
                frame[name] = frame[name].where(
                    ids.notna() & (ids > 0), _column(rows, source.fields[field])
                )
    frame = frame.astype(object)
    return frame.where(frame.notna(), None)


def _cells(source: ListSource, rows: pd.DataFrame, name: str) -> list[str | None]:
    place = list_variables(source.columns).get(name)
    return [None] * len(rows) if place is None else _column(rows, place)


def _column(rows: pd.DataFrame, place: int) -> list[str | None]:
    return [cells[place].strip() or None for cells in rows["cells"]]


def _read(
    connection: Connection, space: str, ids: pd.Series[Any], setting: Setting
) -> pd.DataFrame:
    among = is_any_of(patient.c.id, ids.dropna().tolist())
    if space == "patient":
        return _patients(connection, among)
    if space == "appointment":
        return _appointments(connection, ids, setting)
    table = _TABLES[space]
    query = (
        sa.select(patient.c.id, *_fields(table))
        .join(table, table.c.id == patient.c[f"{space}_id"])
        .where(among)
    )
    return _indexed(connection, query)


def _fields(table: sa.Table) -> list[sa.Column[Any]]:
    return [column for column in (table.c.get("name"), table.c.get("phone")) if column is not None]


def _patients(connection: Connection, among: sa.ColumnElement[bool]) -> pd.DataFrame:
    names = ("title", "given_name", "family_name", "local_id")
    frame = _indexed(
        connection, sa.select(patient.c.id, *(patient.c[n] for n in names)).where(among)
    )
    frame["full_name"] = (frame["given_name"] + " " + frame["family_name"]).str.strip()
    return frame


def next_visits(patients: sa.ColumnElement[bool], now: datetime) -> sa.Subquery:
    """Booked visits of these patients after `now`: the appointment's columns, and `rank`: 1 is the next one."""
    rank = (
        sa.func.row_number()
        .over(
            partition_by=appointment.c.patient_id,
            order_by=[appointment.c.starts_at, appointment.c.id],
        )
        .label("rank")
    )
    return (
        sa.select(appointment, rank)
        .where(patients, appointment.c.status == "booked", appointment.c.starts_at > now)
        .subquery()
    )


def _appointments(connection: Connection, ids: pd.Series[Any], setting: Setting) -> pd.DataFrame:
    """Each patient's next appointment that is booked."""
    booked = next_visits(is_any_of(appointment.c.patient_id, ids.dropna().tolist()), setting.now)
    query = _with_places(sa.select(booked.c.patient_id, *_told(booked)), booked)
    return _spelled(connection, query.where(booked.c.rank == 1), setting)


def _of_visit(
    connection: Connection, space: str, source: ListSource, rows: pd.DataFrame, setting: Setting
) -> pd.DataFrame:
    """
    The appointment that each row of a reminder list is about, or its facility or provider, by row number.

    An appointment that names no facility has none, whatever the patient's own is.
    """
    told = _told(appointment) if space == "appointment" else _fields(_TABLES[space])
    query = (
        sa.select(reminder.c.row_number, *told)
        .join(appointment, appointment.c.id == reminder.c.appointment_id)
        .where(
            reminder.c.list_id == source.id, is_any_of(reminder.c.row_number, rows.index.tolist())
        )
    )
    if space == "appointment":
        return _spelled(connection, _with_places(query, appointment), setting)
    table = _TABLES[space]
    return _indexed(connection, query.join(table, table.c.id == appointment.c[f"{space}_id"]))


def _told(visits: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """What a text may tell of appointments."""
    own = [visits.c[name] for name in ("starts_at", "place", "visit_type", "minutes")]
    places = [facility.c.name.label("facility"), facility.c.code.label("facility_code")]
    return [*own, *places, provider.c.name.label("provider")]


def _with_places(query: sa.Select[Any], visits: sa.FromClause) -> sa.Select[Any]:
    return query.outerjoin(facility, facility.c.id == visits.c.facility_id).outerjoin(
        provider, provider.c.id == visits.c.provider_id
    )


def _spelled(connection: Connection, query: sa.Select[Any], setting: Setting) -> pd.DataFrame:
    """Appointments by the query's first column, their time by the clock of where they are."""
    frame = _indexed(connection, query).rename(columns={"visit_type": "type"})
    clocks = _clocks(setting.organisation)
    begins = list(zip(frame["starts_at"].tolist(), frame["facility_code"].tolist(), strict=True))
    # Many patients come at one time: each is spelled once
    spelled = {
        (at, code): _by_the_clock(at, clocks.get(code, clocks[""]), setting.now)
        for at, code in set(begins)
    }
    for place, name in enumerate(("date", "time", "day", "when")):
        values = [spelled[key][place] for key in begins]
        frame[name] = pd.Series(values, frame.index, dtype=object)
    frame["minutes"] = pd.Series([str(n) for n in frame["minutes"]], frame.index, dtype=object)
    return frame


def _clocks(organisation: Organisation) -> dict[str, ZoneInfo]:
    """The zones of facilities by their codes; "" is the organisation's, and everybody else's."""
    return {
        code: ZoneInfo(zone)
        for code, zone in (organisation.facility_zones | {"": organisation.time_zone}).items()
    }


def _by_the_clock(at: str | datetime, zone: ZoneInfo, now: datetime) -> tuple[date, str, str, str]:
    """Date, time, weekday and the day as it is said; `at` as the driver gives it: on SQLite a text in UTC."""
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC) if isinstance(at, str) else at
    local = instant.astimezone(zone)
    said = DATE_FORMATS["day" if instant - now < _SAME_YEAR else "full"](local)
    return local.date(), f"{local:%H:%M}", f"{local:%A}", said


def _indexed(connection: Connection, query: sa.Select[Any]) -> pd.DataFrame:
    frame = plain_frame(connection.execute(query))
    return frame.set_index(frame.columns[0])
