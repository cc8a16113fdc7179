"""
What patients need, as staff say it of one and as the columns of an import say it of many (NEW-32).

What is not said stays, and so it does where a cell is not understood ("not recorded", "maybe"); "none" takes a
need away. The trail says who set which fields of whom, and no value.
"""

from __future__ import annotations

from collections import Counter
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
    is_home,
    joined,
    language_of,
    plain,
    says_nothing,
    stay_of,
    yes_or_no,
)
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.people import patient


class _NotUnderstood(ValueError):
    """A text that does not say what is needed."""


def _known(value: Any) -> Any:
    if value in (None, ""):
        raise _NotUnderstood
    return value


def _proxy(text: str, most: int, is_one: Callable[[str], bool] = bool) -> str:
    """A proxy's role, name or address as it is written, where it can be one."""
    return str(_known(text if is_one(text) and len(text) <= most else ""))


_FIELDS: Final[dict[str, Callable[[str], Any]]] = {
    "language": lambda text: _known(language_of(text)),
    "interpreter": lambda text: _known(yes_or_no(text)),
    "formats": lambda text: joined(formats_of(text)),
    "stay": lambda text: None if is_home(text) else _known(stay_of(text)),
    "proxy_role": lambda text: _proxy(text, 40),
    "proxy_name": lambda text: _proxy(text, 200),
    "proxy_mobile": lambda text: _proxy(text, 40, lambda t: sum(map(str.isdigit, t)) >= 9),
    "proxy_email": lambda text: _proxy(text, 320, lambda t: "@" in t),
    "proxy_consent": lambda text: _known(yes_or_no(text)),
}
FIELDS: Final = tuple(_FIELDS)
OTHER: Final = "other"
_MAY_BE: Final = {
    "language": "a language, such as Polish or cy",
    "interpreter": "one of: yes, no",
    "formats": f"one of: {', '.join(FORMAT_NAMES)}",
    "stay": f"one of: {', '.join(STAYS)}",
    "proxy_role": "a word or two, such as daughter",
    "proxy_name": "a name",
    "proxy_mobile": "a telephone number",
    "proxy_email": "an e-mail address",
    "proxy_consent": "one of: yes, no",
}
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
) -> Counter[str]:
    """
    Keep what an import's columns say, in its block's transaction. Empty, or not understood, says nothing.

    Args:
        rows: with `nhs_number`, `local_id` and `id` (empty for a patient that the block added)
        texts: the cells by field, same index

    Returns:
        how many cells of which field were not understood
    """
    unclear: Counter[str] = Counter()
    given = [
        _read({str(name): text for name, text in row.items() if text}, unclear)
        for row in texts.to_dict("records")
    ]
    keys = _ids(connection, rows).tolist()
    _keep_formats(connection, list(zip(keys, given, strict=True)))
    kept = [
        {"patient_id": int(key), **values}
        for key, values in zip(keys, given, strict=True)
        if values and pd.notna(key)
    ]
    _upsert(connection, clock, kept, by=by)
    return unclear


def _read(texts: Mapping[str, str], unclear: Counter[str]) -> dict[str, Any]:
    """What a row says of needs."""
    said: dict[str, Any] = {}
    for name, text in texts.items():
        try:
            said[name] = _value_of(name, text)
        except _NotUnderstood:
            unclear[name] += not says_nothing(text)
        else:
            unclear[name] += OTHER in str(said[name]).split() and name == "formats"
    return said


def _value_of(name: str, text: str) -> Any:
    if says_nothing(text):
        raise _NotUnderstood
    if plain(text) == "none" and name not in ("interpreter", "proxy_consent"):
        if name == "language":  # everybody has one: nobody knows which
            raise _NotUnderstood
        return None
    return _FIELDS[name](text)


def _keep_formats(connection: Connection, given: list[tuple[Any, dict[str, Any]]]) -> None:
    """A format that is not understood comes to those that are known, and does not take their place."""
    other = {
        int(key): values
        for key, values in given
        if pd.notna(key) and OTHER in (values.get("formats") or "").split()
    }
    if not other:
        return
    rows = connection.execute(
        sa.select(patient_need.c.patient_id, patient_need.c.formats).where(
            is_any_of(patient_need.c.patient_id, list(other))
        )
    )
    for key, known in rows:
        other[key]["formats"] = joined([*other[key]["formats"].split(), *(known or "").split()])


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
    try:
        value = _value_of(name, text.strip())
    except _NotUnderstood:
        value = OTHER
    if value == OTHER or (name == "formats" and OTHER in (value or "").split()):
        raise CohortRefused("need-unknown", f"{name.replace('_', ' ')} is {_MAY_BE[name]}; or none")
    return value
