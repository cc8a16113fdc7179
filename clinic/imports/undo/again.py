"""
Puts in again what an import took out: members of groups, and whole rows under their own numbers.

Of a group that was deleted since, or a patient whose own import was put back, nothing is put in: as it is.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.schema.people import group_member, patient, patient_group


def put_members(connection: Connection, group: int, rows: list[Any], counts: Counter[str]) -> None:
    """Take out whom it put into the group, and put in whom it took out."""
    m = group_member.c
    keys = [row.row_id for row in rows]
    inside = set(
        connection.scalars(
            sa.select(m.patient_id).where(m.group_id == group, is_any_of(m.patient_id, keys))
        )
    )
    out = [row.row_id for row in rows if row.new and row.row_id in inside]
    back = [row.row_id for row in rows if row.old and row.row_id not in inside]
    if back and connection.scalar(sa.select(patient_group.c.id).where(patient_group.c.id == group)):
        back = sorted(_here(connection, back))
    else:  # the group was deleted since
        back = []
    connection.execute(
        sa.delete(group_member).where(m.group_id == group, is_any_of(m.patient_id, out))
    )
    insert_rows(
        connection, group_member, ("group_id", "patient_id"), [(group, key) for key in back]
    )
    counts["deleted"] += len(out)
    counts["put_in_again"] += len(back)
    counts["as_before"] += len(rows) - len(out) - len(back)


def put_rows(connection: Connection, table: Table, rows: list[Any], counts: Counter[str]) -> None:
    """Put whole rows in again, under their own numbers."""
    there = set(
        connection.scalars(
            sa.select(table.c.id).where(is_any_of(table.c.id, [row.row_id for row in rows]))
        )
    )
    values = [_unpacked(row) for row in rows if row.row_id not in there]
    here = _here(connection, [row["patient_id"] for row in values])
    values = [row for row in values if row["patient_id"] in here]
    if values:
        connection.execute(sa.insert(table), values)
    counts["put_in_again"] += len(values)
    counts["as_before"] += len(rows) - len(values)


def _here(connection: Connection, patients: list[int]) -> set[int]:
    """Those of them whom the record has still: their own import may have been put back since."""
    return set(connection.scalars(sa.select(patient.c.id).where(is_any_of(patient.c.id, patients))))


def _unpacked(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"id": row.row_id, **orjson.loads(row.old)}
    values["decided_at"] = datetime.fromisoformat(values["decided_at"])
    return values
