"""Rows of an import against rows of a table: what is new, what is other, what is as it was; and writes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.imports.journal import Journal
from clinic.record.bulk import insert_rows, new_ids
from clinic.record.statistics import count_grown


def merge(
    connection: Connection, table: Table, rows: pd.DataFrame, known: pd.DataFrame, journal: Journal, *,
    columns: Sequence[str], owned: Sequence[str] = (),
) -> pd.Series[str]:  # fmt: skip
    """
    Add the rows that are not known, and change those that are other.

    Args:
        rows: `match`, what a row is known by, and `columns`; None where the file says nothing
        known: the table's rows: `match`, `id` and `columns`
        columns: what a new row is written with; `owned`: those of them that an empty cell takes away

    Returns:
        same index as `rows`: added, changed, unchanged, or repeated
    """
    outcome = pd.Series("", rows.index, dtype=object)
    outcome[rows["match"].duplicated()] = "repeated"
    first = known.drop_duplicates("match").set_index("match")
    there = rows["match"].isin(first.index) & (outcome == "")
    before = first.loc[rows.loc[there, "match"]].set_axis(rows.index[there])
    after = rows.loc[there, list(columns)].astype(object)
    for name in columns:
        if name not in owned:
            said = after[name].to_numpy(dtype=object)
            after[name] = np.where(pd.isna(said), before[name].to_numpy(dtype=object), said)
    same = np.ones(len(after), dtype=bool)
    for name in columns:
        one, other = (each[name].to_numpy(dtype=object) for each in (after, before))
        same &= (one == other) | (pd.isna(one) & pd.isna(other))
    outcome[there] = np.where(same, "unchanged", "changed")
    fresh = rows[outcome == ""]
    outcome[outcome == ""] = "added"
    after["id"] = before["id"].astype("int64")
    _change(connection, table, before[~same], after[~same], journal, columns)
    _add(connection, table, fresh, journal, columns)
    return outcome


def _change(
    connection: Connection, table: Table, before: pd.DataFrame, after: pd.DataFrame, journal: Journal,
    columns: Sequence[str],
) -> None:  # fmt: skip
    if after.empty:
        return
    statement = (
        sa.update(table)
        .where(table.c.id == sa.bindparam("the_id"))
        .values({name: sa.bindparam(f"new_{name}", type_=table.c[name].type) for name in columns})
    )
    rows = [
        {"the_id": int(row["id"])}
        | {f"new_{name}": None if pd.isna(row[name]) else row[name] for name in columns}
        for row in after.to_dict("records")
    ]
    connection.execute(statement, rows)
    journal.changed(connection, table, before, after, columns)


def _add(
    connection: Connection, table: Table, fresh: pd.DataFrame, journal: Journal, columns: Sequence[str]
) -> None:  # fmt: skip
    if fresh.empty:
        return
    ids = new_ids(connection, table, len(fresh))
    values = [
        [None if pd.isna(each) else each for each in fresh[name].tolist()] for name in columns
    ]
    insert_rows(connection, table, ("id", *columns), zip(ids, *values, strict=True))
    journal.added(connection, table, ids)
    count_grown(connection, table)
