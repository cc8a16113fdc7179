"""
What patients need, as staff say it of one and as the columns of an import say it of many (NEW-32).

What is not said stays; "none" takes a need away. The trail says who set which fields of whom, and no value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.govern.audit.trail import Act, record_act
from clinic.message.needs.words import (
    FORMAT_NAMES,
    STAYS,
    formats_of,
    joined,
    language_of,
    plain,
    stay_of,
    yes_or_no,
)
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.people import patient

_FIELDS: Final[dict[str, Callable[[str], Any]]] = {
    "language": lambda text: language_of(text) or None,
    "interpreter": yes_or_no,
    "formats": lambda text: joined(formats_of(text)),
    "stay": lambda text: stay_of(text) or None,
    "proxy_role": str.strip,
    "proxy_name": str.strip,
    "proxy_mobile": str.strip,
    "proxy_email": str.strip,
    "proxy_consent": lambda text: yes_or_no(text) is True,
}
FIELDS: Final = tuple(_FIELDS)
# Headings of exports, in lower-case letters and digits alone
HEADINGS: Final = {
    "language": ("preferredlanguage", "mainlanguage", "language", "mainspokenlanguage", "spokenlanguage"),
    "interpreter": ("interpreterneeded", "interpreterrequired", "interpreter"),
    "formats": (
        "accessibleinformation", "accessibleinformationneeds", "informationformat", "preferredformat",
        "communicationneeds", "accessibleinformationcode",
    ),
    "stay": ("placeofstay", "placeofresidence", "residence", "residencetype"),
    "proxy_role": ("proxyrole", "proxyrelationship"),
    "proxy_name": ("proxyname",),
    "proxy_mobile": ("proxymobile", "proxytelephone", "proxyphone"),
    "proxy_email": ("proxyemail",),
    "proxy_consent": ("proxyconsent",),
}  # fmt: skip


def headings_of(columns: tuple[str, ...]) -> dict[str, str]:
    """Which column of a file says which need: our field → its heading."""
    keys = {"".join(filter(str.isalnum, heading.casefold())): heading for heading in columns}
    return {
        field: keys[word]
        for field, words in HEADINGS.items()
        for word in reversed(words)
        if word in keys
    }


def set_needs(
    record: Record,
    clock: Clock,
    patient_id: int,
    said: Mapping[str, str],
    *,
    prefers: str | None,
    by: str,
) -> dict[str, Any]:
    """
    Set a patient's needs, field by field; "none" takes one away. All of them as they are then.

    prefers: their preferred channel; None: as it is

    Raises:
        CohortRefused: something that is no format or place of stay
    """
    values = {name: _value(name, text) for name, text in said.items()}
    with record.write() as connection:
        if values:
            _upsert(connection, clock, [{"patient_id": patient_id, **values}], by=by)
        if prefers is not None:
            channel = None if prefers == "any" else prefers
            connection.execute(
                sa.update(patient)
                .where(patient.c.id == patient_id)
                .values(preferred_channel=channel, version=patient.c.version + 1)
            )
        fields = sorted([*values, *(["preferred_channel"] if prefers is not None else [])])
        if fields:
            act = Act(
                operator=by, operation_type="patient.needs", subject="patient", subject_id=patient_id,
                patients_affected=1, new_values={"fields": fields},
            )  # fmt: skip
            record_act(connection, clock, act)
        return needs_of(connection, patient_id)


def needs_of(connection: Connection, patient_id: int) -> dict[str, Any]:
    """A patient's needs, those that somebody said."""
    row = connection.execute(
        sa.select(patient.c.preferred_channel, *(patient_need.c[name] for name in FIELDS))
        .outerjoin(patient_need, patient_need.c.patient_id == patient.c.id)
        .where(patient.c.id == patient_id)
    ).one()
    return {name: value for name, value in row._mapping.items() if value not in (None, "")}


def keep_columns(
    connection: Connection, clock: Clock, rows: pd.DataFrame, texts: pd.DataFrame, *, by: str
) -> int:
    """
    Keep what an import's columns say, in its block's transaction; of how many patients. Empty says nothing.

    Args:
        rows: with `nhs_number`, `local_id` and `id` (empty for a patient that the block added)
        texts: the cells by field, same index
    """
    given = [
        {str(name): _FIELDS[str(name)](text) for name, text in row.items() if text}
        for row in texts.to_dict("records")
    ]
    keys = _ids(connection, rows).tolist()
    kept = [
        {"patient_id": int(key), **values}
        for key, values in zip(keys, given, strict=True)
        if values and pd.notna(key)
    ]
    _upsert(connection, clock, kept, by=by)
    return len(kept)


def _ids(connection: Connection, rows: pd.DataFrame) -> pd.Series:
    found = rows["id"].astype(object)
    for name in ("nhs_number", "local_id"):
        column = patient.c[name]
        wanted = rows.loc[found.isna(), name].dropna().tolist()
        query = sa.select(column, patient.c.id).where(is_any_of(column, wanted))
        known = dict(connection.execute(query).tuples().all())
        found = found.where(found.notna(), rows[name].map(known).astype(object))
    return found


def _upsert(connection: Connection, clock: Clock, given: list[dict[str, Any]], *, by: str) -> None:
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        patient_need
    )
    now = {"set_at": clock.now(), "set_by": by}
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for values in given:  # those that say the same fields go in one statement
        alike.setdefault(tuple(values), []).append(values | now)
    for names, some in alike.items():
        changed = [name for name in (*names, *now) if name != "patient_id"]
        statement = insert.on_conflict_do_update(
            index_elements=["patient_id"], set_={name: insert.excluded[name] for name in changed}
        )
        connection.execute(statement, some)


def _value(name: str, text: str) -> Any:
    if plain(text) == "none" and name != "interpreter":
        return False if name == "proxy_consent" else None
    value = _FIELDS[name](text)
    known = {"formats": FORMAT_NAMES, "stay": STAYS}.get(name)
    wrong = value is None if name in ("stay", "interpreter") else "other" in str(value).split()
    if wrong and (known or name == "interpreter"):
        raise CohortRefused(
            "need-unknown",
            f"{name.replace('_', ' ')} is one of: {', '.join(known or ('yes', 'no'))}; or none",
        )
    return value
