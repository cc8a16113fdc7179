"""Writes the rows of a block that are new or changed."""

from __future__ import annotations

from datetime import date

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.patients.columns import COLUMNS
from clinic.record.bulk import insert_rows, new_ids
from clinic.record.schema.people import patient
from clinic.record.statistics import count_grown

_AS_NEW = {"given_name": "", "family_name": "", "status": "active"}


def insert(connection: Connection, rows: pd.DataFrame) -> list[int]:
    """Add the patients of these rows; their ids, in order."""
    if rows.empty:
        return []
    ids = new_ids(connection, patient, len(rows))
    values = []
    for name in COLUMNS:
        column = rows[name].tolist()
        if (default := _AS_NEW.get(name)) is not None:
            column = [default if value is None else value for value in column]
        values.append(column)
    insert_rows(connection, patient, ("id", *COLUMNS), zip(ids, *values, strict=True))
    count_grown(connection, patient)
    return ids


def update(connection: Connection, changed: pd.DataFrame, today: date) -> None:
    """Bring the patients of these rows up to date, each by its `id`."""
    if changed.empty:
        return
    # A number that is new to the record was recorded now (NEW-27); of a new patient nobody knows since when
    other = patient.c.mobile.is_distinct_from(sa.bindparam("new_mobile", type_=sa.String))
    since = sa.case((other, sa.literal(today, sa.Date)), else_=patient.c.mobile_confirmed_on)
    statement = (
        sa.update(patient)
        .where(patient.c.id == sa.bindparam("key"))
        .values(mobile_confirmed_on=since)
        .values({name: sa.bindparam(f"new_{name}") for name in COLUMNS})
        .values(version=patient.c.version + 1)
    )
    names = ["key", *(f"new_{name}" for name in COLUMNS)]
    values = zip(*(changed[name].tolist() for name in ("id", *COLUMNS)), strict=True)
    connection.execute(statement, [dict(zip(names, row, strict=True)) for row in values])
