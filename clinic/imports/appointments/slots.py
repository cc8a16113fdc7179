"""
What an appointment of an import is to the record: found by its source's id, else by its patient and time.

    id known, same patient          moved, changed, cancelled or unchanged
    id known, another patient       the slot was given away: the first one's is cancelled, the other's added
    id known, no patient            the slot is free again: cancelled
    not known                       the patient's visit at that very time, if there is one; else added
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.journal import Journal
from clinic.record.bulk import insert_rows, is_any_of, new_ids, plain_frame
from clinic.record.schema.people import appointment, appointment_source, facility, provider

CANCELLED: Final = "cancelled"
_NEVER: Final = datetime(1900, 1, 1, tzinfo=UTC)
_ENDED: Final = frozenset({CANCELLED, "no_show", "finished"})
_SAID: Final = ("minutes", "visit_type", "mode", "place", "provider_id", "facility_id")
_DEFAULTS: Final[Mapping[str, Any]] = {"minutes": 15, "visit_type": "visit"}
FIELDS: Final = ("starts_at", "status", *_SAID)  # which an import may change
_COLUMNS: Final = ("id", "patient_id", "starts_at", "status", *_SAID)


def find_places(connection: Connection, rows: pd.DataFrame) -> dict[str, int]:
    """`provider_id` and `facility_id` of the rows, by code or by name; how many rows name none that is here."""
    unknown = {}
    for field, table in (("provider", provider), ("facility", facility)):
        found = connection.execute(sa.select(table.c.code, table.c.name, table.c.id)).all()
        names = pd.Series([row.name.casefold() for row in found], dtype="str")
        once = set(names[~names.duplicated(keep=False)])
        known = {row.name.casefold(): row.id for row in found if row.name.casefold() in once}
        known |= {row.code.casefold(): row.id for row in found}
        said = rows[field].str.casefold()
        rows[f"{field}_id"] = said.map(known).astype("Int64")
        unknown[field] = int(((said != "") & rows[f"{field}_id"].isna()).sum())
    return unknown


def match(connection: Connection, rows: pd.DataFrame, source: str) -> pd.DataFrame:
    """
    The record's appointments that these rows speak of.

    Args:
        rows: `key`, `patient_id` Int64, `starts_at`

    Returns:
        a row an appointment: its columns, and `row`: the index of the row that speaks of it; `own`: whether it
        is of that row's patient; `adopted`: whether it was found by its time
    """
    keys = [key for key in rows["key"].unique().tolist() if key]
    by_key = _read(
        connection,
        sa.select(appointment_source.c.key, *(appointment.c[name] for name in _COLUMNS))
        .join(appointment, appointment.c.id == appointment_source.c.appointment_id)
        .where(appointment_source.c.source == source, is_any_of(appointment_source.c.key, keys)),
        ("key", *_COLUMNS),
    )
    index = rows.reset_index(names="row")
    found = index[["row", "key", "patient_id"]].merge(by_key, on="key", suffixes=("_said", ""))
    found["own"] = (found["patient_id_said"] == found["patient_id"]).fillna(False).astype(bool)
    # Of a slot that came back to somebody there may be two: the newest is meant
    found = found.sort_values("id").drop_duplicates(["row", "patient_id"], keep="last")
    rest = index[~index["row"].isin(found.loc[found["own"], "row"])]
    known = appointment_source.c.source == source
    at_time = _read(
        connection,
        sa.select(*(appointment.c[name] for name in _COLUMNS)).where(
            is_any_of(appointment.c.patient_id, rest["patient_id"].dropna().unique().tolist()),
            appointment.c.starts_at.between(*_span(rest["starts_at"])),
            appointment.c.status.not_in(_ENDED),
            ~sa.exists().where(appointment_source.c.appointment_id == appointment.c.id, known),
        ),
        _COLUMNS,
    )
    same = rest[["row", "patient_id", "starts_at"]].merge(at_time, on=["patient_id", "starts_at"])
    same = same.drop_duplicates("row").drop_duplicates("id").assign(own=True, adopted=True)
    found["adopted"] = False
    return pd.concat([found, same])[["row", "own", "adopted", *_COLUMNS]]


def _span(starts: pd.Series[pd.Timestamp]) -> tuple[datetime, datetime]:
    """The first and the last of them."""
    known = starts.dropna()
    if known.empty:
        return _NEVER, _NEVER
    return known.min().to_pydatetime(), known.max().to_pydatetime()


def ids_of(connection: Connection, source: str, keys: list[str]) -> list[int]:
    """The appointments that the source knows by these ids."""
    own = appointment_source.c
    known = sa.select(own.appointment_id).where(
        own.source == source, is_any_of(own.key, [key for key in keys if key])
    )
    return [int(key) for key in connection.scalars(known)]


def _read(connection: Connection, query: Any, names: tuple[str, ...]) -> pd.DataFrame:
    frame = plain_frame(connection.execute(query)).set_axis(list(names), axis=1)
    frame["patient_id"] = frame["patient_id"].astype("Int64")
    frame["id"] = frame["id"].astype("int64")
    frame["starts_at"] = pd.to_datetime(frame["starts_at"], utc=True, format="ISO8601")
    return frame


def changes_of(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """
    The appointments as the rows have them; an empty cell takes away only what the source owns (`no_…`).

    Args:
        rows: as read, with `provider_id` and `facility_id`
        known: the rows' own appointments, by the same index

    Returns:
        same index as `known`: the columns as they should be, and `outcome`
    """
    after = known[list(_COLUMNS)].copy()
    said = rows.loc[known.index]
    after["starts_at"], after["status"] = said["starts_at"], said["status"]
    for name in _SAID:
        given = said[name].astype(object)
        there = given.notna() & (given != "")
        taken = said[f"no_{name.removesuffix('_id')}"].astype(bool)
        kept = known[name].astype(object).mask(taken, _DEFAULTS.get(name))
        after[name] = given.where(there, kept)
    other = {name: _differs(after[name], known[name]) for name in ("starts_at", "status", *_SAID)}
    outcome = pd.Series("unchanged", known.index, dtype=object)
    outcome = outcome.mask(pd.DataFrame(other).any(axis=1), "changed")
    outcome = outcome.mask(other["starts_at"], "moved")
    ended = other["status"] & (after["status"] == CANCELLED)
    after["outcome"] = outcome.mask(ended, CANCELLED)
    return after


def _differs(one: pd.Series[Any], other: pd.Series[Any]) -> pd.Series[bool]:
    return ~((one == other) | (one.isna() & other.isna())).fillna(False).astype(bool)


def add(connection: Connection, rows: pd.DataFrame) -> list[int]:
    """Insert these appointments; their ids, in the order of the rows."""
    if rows.empty:
        return []
    ids = new_ids(connection, appointment, len(rows))
    columns: list[list[Any]] = [ids]
    for name in ("patient_id", "starts_at", "status", *_SAID):
        values = _instants(rows[name]) if name == "starts_at" else rows[name].astype(object)
        there = values.notna() & (values != "")
        columns.append(values.where(there, _DEFAULTS.get(name)).tolist())
    names = ("id", "patient_id", "starts_at", "status", *_SAID)
    insert_rows(connection, appointment, names, zip(*columns, strict=True))
    return ids


def _instants(values: pd.Series[pd.Timestamp]) -> pd.Series[Any]:
    """As Python's own, which drivers take."""
    return pd.Series(values.dt.to_pydatetime(), values.index, dtype=object)


def change(connection: Connection, after: pd.DataFrame) -> None:
    """Write the appointments of `changes_of` that are not as the record has them."""
    own = appointment.c
    values = [
        {
            "the_id": int(each["id"]),
            **{
                f"new_{name}": None if pd.isna(each[name]) else each[name]
                for name in ("status", *_SAID)
            },
            "new_starts_at": each["starts_at"].to_pydatetime(),
        }
        for each in after.to_dict("records")
    ]
    if not values:
        return
    names = ("starts_at", "status", *_SAID)
    connection.execute(
        sa.update(appointment)
        .where(own.id == sa.bindparam("the_id"))
        .values({name: sa.bindparam(f"new_{name}", type_=own[name].type) for name in names}
                | {"version": own.version + 1}),
        values,
    )  # fmt: skip


def note_cancelled(connection: Connection, journal: Journal, ids: list[int]) -> None:
    """Note those of these appointments that `cancel` will cancel."""
    own = appointment.c
    query = sa.select(own.id, own.patient_id, own.status).where(
        is_any_of(own.id, ids), own.status.not_in(_ENDED)
    )
    before = pd.DataFrame(
        connection.execute(query).all(), columns=["id", "patient_id", "status"], dtype=object
    )
    after = before.assign(status=CANCELLED)
    journal.changed(connection, appointment, before, after, ("status",))


def cancel(connection: Connection, ids: list[int]) -> int:
    """Cancel those of these appointments that are neither over nor cancelled; how many."""
    own = appointment.c
    statement = (
        sa.update(appointment)
        .where(is_any_of(own.id, ids), own.status.not_in(_ENDED))
        .values(status=CANCELLED, version=own.version + 1)
    )
    return connection.execute(statement).rowcount


def link(
    connection: Connection, source: str, keys: pd.Series[str], ids: pd.Series[int], digests: pd.Series[Any]
) -> None:  # fmt: skip
    """Note by what ids the source knows these appointments, by the index of their rows."""
    names = ("source", "key", "appointment_id", "digest")
    of = ids.index
    digest = digests.loc[of].astype(object).where(digests.loc[of].notna(), None)
    rows = zip(
        [source] * len(of), keys.loc[of].tolist(), ids.tolist(), digest.tolist(), strict=True
    )
    insert_rows(connection, appointment_source, names, rows)
