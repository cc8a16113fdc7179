"""
The visit that a message tells of, in a campaign that is none of reminders: kept when its text is made, and
asked for again when the message is about to leave.

A text with `appointment.` in it tells of the patient's next booked visit. Cancelled, moved in time or to
another place, facility or provider, or begun since, it is not told. A reminder has its own (remind.py).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.message.codes import message_id
from clinic.message.reminders.remind import WHERE, is_otherwise, tells
from clinic.message.template.variables import next_visits
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment
from clinic.record.schema.receipts import told_visit
from clinic.record.statements.made import At

_KEPT: Final = ("appointment_id", "starts_at", *WHERE)
_COLUMNS: Final = ("message_id", *_KEPT)


def read_told(
    connection: Connection, patients: pd.Series[int], variables: Collection[str], now: datetime
) -> pd.DataFrame:
    """
    The visits that texts with these variables tell of these patients; empty where they tell of none.

    Call it before the text's values are read: what changes in between is then held, not told wrongly.

    Returns:
        index: patient's id; columns: what is kept of the visit, where it is as far as the text tells it
    """
    if not any(name.startswith("appointment.") for name in variables):
        return pd.DataFrame(columns=["patient_id", *_KEPT]).set_index("patient_id")
    among = is_any_of(appointment.c.patient_id, patients.dropna().tolist())
    found = next_visits(among, now).c
    where = [
        found[name] if tells(variables, ways) else sa.null().label(name)
        for name, ways in WHERE.items()
    ]
    query = sa.select(found.patient_id, found.id.label("appointment_id"), found.starts_at, *where)
    rows = connection.execute(query.where(found.rank == 1)).all()
    columns = ["patient_id", *_KEPT]
    return pd.DataFrame(rows, columns=columns, dtype=object).set_index("patient_id")


def keep_told(
    connection: Connection, message_base: int, rows: pd.DataFrame, told: pd.DataFrame
) -> None:
    """
    Note which visit each of these messages tells of, in the transaction that stages them.

    Args:
        rows: index row_number, with `patient_id`
    """
    if told.empty:
        return
    having = rows[rows["patient_id"].isin(told.index)]
    visits = told.loc[having["patient_id"].tolist()]
    insert_rows(
        connection,
        told_visit,
        _COLUMNS,
        (
            (message_id(message_base, number), *visit)
            for number, visit in zip(
                having.index.tolist(), visits.itertuples(index=False), strict=True
            )
        ),
    )


def told_otherwise(which: ColumnElement[bool], now: At) -> sa.Select[Any]:
    """The ids of those messages among `which` that tell of a visit which is not so any more."""
    return (
        sa.select(told_visit.c.message_id)
        .join(message, message.c.id == told_visit.c.message_id)
        .outerjoin(appointment, appointment.c.id == told_visit.c.appointment_id)
        .where(which, is_otherwise(told_visit, now))
    )
