"""
Facilities and providers, a row each, known by their code; none is ever deleted: it is closed.

A facility's default provider, and a provider's facility, are named by their codes and must be here: import
facilities, then providers, then facilities again where they have default providers.
"""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Any, Final, Literal

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.errors import NotAllowed
from clinic.govern.people.roles import may
from clinic.imports.blocks import run_blocks
from clinic.imports.journal import Journal
from clinic.imports.kind import Kind
from clinic.imports.left import HEADINGS
from clinic.imports.merge import merge
from clinic.imports.options import Options
from clinic.imports.places.closing import count_unclear, read_active
from clinic.imports.result import OTHER_ORGANISATION, Imported
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.people import facility, provider

FACILITIES: Final = Kind(
    "facilities",
    "Facilities, a row each.",
    {
        "code": ("Facility Code", "Location Guid", "Branch ID", "Site Code", "ODS Code", "Code", "Id"),
        "name": ("Facility Name", "Location Name", "Branch Name", "Organisation Name", "Site Name", "Name"),
        "phone": ("Phone Number", "Telephone Number", "Telephone", "Phone"),
        "email": ("E-mail Address", "Email", "E-mail"),
        "default_provider": ("Default Provider Code", "Default Provider"),
        "closed": ("Close Date", "Closed", "Branch Obsolete", "Obsolete"),
        "active": ("Active", "Open"),
        "deleted": HEADINGS,
    },
    (("code",), ("name",)),
    dates=(),
    of_patients=False,
)  # fmt: skip
PROVIDERS: Final = Kind(
    "providers",
    "Providers, a row each.",
    {
        "code": ("Provider Code", "User In Role Guid", "Staff ID", "Provider ID", "ID National",
                 "Clinician Code", "Code", "Id"),
        "name": ("Provider Name", "Staff Name", "Clinician Name", "Full Name", "Name"),
        "title": ("Title",),
        "given_name": ("Given Name", "First Name", "Forename"),
        "family_name": ("Surname", "Family Name", "Last Name"),
        "email": ("E-mail Address", "Email", "E-mail"),
        "speciality": ("Speciality", "Specialty", "Job Category Name", "Job Role", "Role"),
        "facility": ("Default Facility Code", "Default Facility", "Facility Code", "Facility", "Site Code",
                     "Organization"),
        "capacity": ("Capacity", "Most Patients", "List Size Limit"),
        "closed": ("Contract End Date", "Left On", "Obsolete", "Closed"),
        "active": ("Active",),
        "deleted": HEADINGS,
    },
    (("code",), ("name", "family_name")),
    dates=(),
    of_patients=False,
)  # fmt: skip
SAYS: Final = {
    "added": "One that was not here.",
    "changed": "One of which something is other now.",
    "unchanged": "One that is here as the file says.",
    "repeated": "The same code stands in an earlier row of this file, which counts.",
    "code_invalid": "A code has 1 to 40 letters, digits, dots, dashes and underscores: nothing is taken.",
    "name_missing": "The row has no name: nothing is taken.",
    "capacity_invalid": "The capacity is no whole number of patients: nothing of the row is taken.",
    "other_organisation": OTHER_ORGANISATION,
    "unreadable_row": "More or fewer cells than the heading: nothing is taken. Fix the row in the file.",
}
PROBLEMS: Final = frozenset(SAYS) - {"added", "changed", "unchanged"}
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def import_facilities(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """
    Bring the record's facilities up to date with an opened file.

    Raises:
        NotAllowed: who imports is no manager
    """
    return _run(record, clock, file, options, FACILITIES, facility, "facility")


def import_providers(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """The same of providers."""
    return _run(record, clock, file, options, PROVIDERS, provider, "provider")


def _run(
    record: Record, clock: Clock, file: ListFile, options: Options, kind: Kind, table: Table,
    sort: Literal["facility", "provider"],
) -> Imported:  # fmt: skip
    _require_manager(record, options.by)
    columns = tuple(
        name for name in _COLUMNS[sort] if name not in _SHORT or _SHORT[name] in _fields(file)
    )
    apply = partial(_apply, table=table, columns=columns, options=options, now=clock.now().date())
    return run_blocks(
        record, clock, file, options, kind=kind, problems=PROBLEMS, written=("added", "changed"),
        apply=apply,
    )  # fmt: skip


_COLUMNS: Final = {
    "facility": ("code", "name", "phone", "email", "default_provider_id", "active"),
    "provider": ("code", "name", "email", "speciality", "facility_id", "capacity", "active"),
}
# Written only where the file has the column
_SHORT: Final = {
    "phone": "phone", "email": "email", "speciality": "speciality", "capacity": "capacity",
    "default_provider_id": "default_provider", "facility_id": "facility",
}  # fmt: skip


def _fields(file: ListFile) -> frozenset[str]:
    return frozenset(file.fields)


def _require_manager(record: Record, by: str) -> None:
    """A person who is no manager keeps no places; a source's own account does as it was set up to."""
    with record.read() as connection:
        role = connection.scalar(sa.select(operator.c.role).where(operator.c.name == by))
    if role is not None and not may(role, "approve", "facility"):
        raise NotAllowed("places-role", "facilities and providers are kept by a manager")


def _apply(
    connection: Connection, given: pd.DataFrame, fault: pd.Series[str], result: Imported,
    journal: Journal, *, table: Table, columns: tuple[str, ...], options: Options, now: date,
) -> pd.Series[str]:  # fmt: skip
    rows = pd.DataFrame(index=given.index)
    for name in ("code", "phone", "email", "speciality"):
        rows[name] = _texts(given, name)
    rows["name"] = _names(given)
    rows["capacity"], wrong = _capacity(given)
    for field, name, other in (
        ("default_provider", "default_provider_id", provider),
        ("facility", "facility_id", facility),
    ):
        if name in columns:
            rows[name] = _others(connection, given[field], other, result, field)
    rows["active"] = read_active(given, now)
    result.also["closing_unclear"] += count_unclear(given, now)
    outcome = fault.copy()
    for mask, code in (
        (wrong, "capacity_invalid"),
        (rows["name"].isna(), "name_missing"),
        (~given["code"].str.fullmatch(_CODE), "code_invalid"),
    ):
        outcome[(outcome == "") & mask.to_numpy(dtype=bool)] = code
    known = pd.DataFrame(
        connection.execute(sa.select(table.c.id, *(table.c[name] for name in columns))).all(),
        columns=["id", *columns], dtype=object,
    )  # fmt: skip
    known["match"] = known["code"]
    good = rows[outcome == ""].astype(object)
    good = good.assign(match=good["code"])
    owned = [name for name in columns if name in _SHORT] if options.how.owns_columns else []
    outcome[good.index] = merge(
        connection,
        table,
        _new_are_active(good, known),
        known,
        journal,
        columns=columns,
        owned=owned,
    )
    return outcome


def _new_are_active(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    new = ~rows["match"].isin(known["match"]) & rows["active"].isna()
    return rows.assign(active=rows["active"].mask(new, True))


def _texts(given: pd.DataFrame, name: str) -> pd.Series[Any]:
    texts = given[name] if name in given else pd.Series("", given.index, dtype="str")
    return texts.astype(object).where(texts != "", None)


def _names(given: pd.DataFrame) -> pd.Series[Any]:
    """One column, or the parts of a name in theirs."""
    parts = [_texts(given, name).fillna("") for name in ("title", "given_name", "family_name")]
    lines = zip(*(part.tolist() for part in parts), strict=True)
    whole = pd.Series([" ".join(" ".join(line).split()) for line in lines], given.index)
    named = _texts(given, "name").fillna("")
    found = named.where(named != "", whole).astype(object)
    return found.where(found != "", None)


def _capacity(given: pd.DataFrame) -> tuple[pd.Series[Any], pd.Series[bool]]:
    if "capacity" not in given:
        return pd.Series(None, given.index, dtype=object), pd.Series(False, given.index)
    texts = given["capacity"]
    good = texts.str.fullmatch(r"[0-9]{1,7}(?:\.0)?")
    values = [int(float(text)) if fits else None for text, fits in zip(texts, good, strict=True)]
    return pd.Series(values, given.index, dtype=object), (texts != "") & ~good


def _others(
    connection: Connection, words: pd.Series[str], table: Table, result: Imported, field: str
) -> pd.Series[Any]:
    """The key of what is named by code; those that are not here are counted."""
    query = sa.select(table.c.code, table.c.id)
    codes = {code.casefold(): key for code, key in connection.execute(query)}
    found = pd.Series([codes.get(word.casefold()) for word in words], words.index, dtype=object)
    result.also[f"{field}_unknown"] += int(((words != "") & found.isna()).sum())
    return found
