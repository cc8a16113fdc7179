"""
A list's rows as frames, matched to patients: what the checks judge and the templates are filled from.

Everything goes in blocks by row number, so that a million rows need no more memory than ten thousand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.cohort.keeping import Kept, read_kept
from clinic.errors import ListRefused, NotFound
from clinic.record.bulk import is_any_of, plain_frame, plain_rows
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.people import patient
from clinic.values.dates import Order
from clinic.values.nhs_number import judge_nhs_numbers

BLOCK_ROWS = 20_000
# The source of a list of those whom a campaign by another channel did not reach
FALLBACK: Final = "fallback"
CORRECTION: Final = "correction"  # the source of a list of those who got another campaign

# What the checks need to know of a patient
PATIENT_COLUMNS = (
    "id", "nhs_number", "birth_date", "death_date", "fictitious", "status", "deregistered_on",
    "preferred_channel", "mobile", "email", "version", "given_name", "family_name",
)  # fmt: skip


@dataclass(frozen=True)
class ListSource:
    """
    A list as it was imported.

    fields: our field name → place of its cell; date_order: of days and months in its dates
    kept: which of its columns are kept; None: all
    """

    id: int
    name: str
    source: str
    layout: str | None
    columns: tuple[str, ...]
    fields: Mapping[str, int]
    rows: int
    date_order: Order = "ambiguous"
    kept: Kept | None = None

    @property
    def from_record(self) -> bool:
        """Whether its rows were patients from the start: a group, a filter, what is sent again or corrected."""
        return not self.columns or self.source in ("resend", FALLBACK, CORRECTION)


def get_list(connection: Connection, list_id: int) -> ListSource:
    """
    The list's head.

    Raises:
        NotFound: there is no such list
    """
    row = connection.execute(
        sa.select(cohort_list).where(cohort_list.c.id == list_id)
    ).one_or_none()
    if row is None:
        raise NotFound("list-unknown", f"there is no list {list_id}; see: cohort list ls")
    columns = tuple(orjson.loads(row.columns))
    places = {heading: place for place, heading in enumerate(columns)}
    fields = {name: places[heading] for name, heading in orjson.loads(row.fields).items()}
    return ListSource(
        row.id, row.name, row.source, row.layout, columns, fields, row.rows or 0,
        row.date_order or "ambiguous", read_kept(row.kept),
    )  # fmt: skip


def require_rows(list_id: int, gone_at: datetime | None) -> None:
    """
    Whether a list's cells are still there.

    Raises:
        ListRefused: they went, as the retention says (NEW-39); what to do
    """
    if gone_at is not None:
        raise ListRefused(
            "list-rows-gone",
            f"the rows of list {list_id} were removed on {gone_at:%-d %b %Y}, as the retention says: take its "
            "file in again",
        )


def read_rows(
    connection: Connection, source: ListSource, *, after: int, limit: int = BLOCK_ROWS
) -> pd.DataFrame:
    """
    The next rows of a list.

    Returns:
        index row_number; `patient_id` Int64, `unreadable` bool, `cells` (the original texts, a list),
        and one text column for each of nhs_number, local_id, birth_date, mobile, email ("" = empty)
    """
    found = plain_rows(
        connection.execute(
            sa.select(
                list_row.c.row_number,
                list_row.c.patient_id,
                list_row.c.unreadable,
                list_row.c.cells,
            )
            .where(list_row.c.list_id == source.id, list_row.c.row_number > after)
            .order_by(list_row.c.row_number)
            .limit(limit)
        )
    )
    cells = parse_cells([row[3] for row in found])
    frame = pd.DataFrame(
        {
            "patient_id": pd.array([row[1] for row in found], dtype="Int64"),
            "unreadable": np.array([row[2] for row in found], dtype=bool),
            "cells": pd.Series(cells, dtype=object),
        }
    )
    for name in ("nhs_number", "local_id", "birth_date", "mobile", "email"):
        frame[name] = _field(cells, source.fields.get(name))
    if "any_id" in source.fields:
        tell_ids_apart(frame, _field(cells, source.fields["any_id"]))
    frame.index = pd.Index([row[0] for row in found], dtype="int64", name="row_number")
    return frame


def parse_cells(texts: Sequence[str]) -> list[list[str]]:
    """The cells of many rows, kept as a JSON array each: read as one text, in half the time."""
    parsed: list[list[str]] = orjson.loads(f"[{','.join(texts)}]")
    return parsed


def _field(cells: Sequence[Sequence[str]], place: int | None) -> pd.Series[str]:
    values = [""] * len(cells) if place is None else [row[place].strip() for row in cells]
    return pd.Series(values, dtype="str")


def tell_ids_apart(frame: pd.DataFrame, ids: pd.Series[str]) -> None:
    """A pasted id with a right check digit is an NHS number; any other is the practice's own."""
    is_nhs = (judge_nhs_numbers(ids)["fault"] == "").to_numpy()
    frame["nhs_number"] = ids.where(is_nhs, "")
    frame["local_id"] = ids.where(~is_nhs, "")


def match_patients(
    connection: Connection, source: ListSource, rows: pd.DataFrame, nhs_numbers: pd.Series[str]
) -> pd.DataFrame:
    """
    Who each row means, and what the record says of them.

    By NHS number where there is a right one, else by the practice's own id. Two ids of one row that
    mean two patients match nobody.

    Args:
        rows: as `read_rows` gives them
        nhs_numbers: ten digits or "", same index

    Returns:
        same index; PATIENT_COLUMNS, empty where nobody matches; `id` is Int64; `disputed` is True
        where the practice's own id means somebody, and a right NHS number beside it does not
    """
    if source.from_record:
        return _patients(connection, patient.c.id, rows["patient_id"]).assign(disputed=False)
    by_nhs = _patients(connection, patient.c.nhs_number, nhs_numbers)
    if not (rows["local_id"] != "").any():
        return by_nhs.assign(disputed=False)
    by_local = _patients(connection, patient.c.local_id, rows["local_id"])
    use_local = (nhs_numbers == "") & (rows["local_id"] != "")
    matched = by_nhs.where(~use_local, by_local)
    same = (by_nhs["id"] == by_local["id"]).fillna(False).astype(bool)
    disputed = (nhs_numbers != "") & by_local["id"].notna() & ~same
    matched.loc[disputed & by_nhs["id"].notna()] = None
    return matched.assign(disputed=disputed.astype(bool))


def _patients(connection: Connection, key: sa.Column[Any], values: pd.Series[Any]) -> pd.DataFrame:
    given = values.dropna()
    wanted = [value for value in given.unique().tolist() if value != ""]
    columns = [patient.c[name] for name in PATIENT_COLUMNS]
    found = connection.execute(sa.select(key.label("key"), *columns).where(is_any_of(key, wanted)))
    known = plain_frame(found).set_index("key")
    matched = known.reindex(values.astype(object))
    matched.index = values.index
    matched["id"] = matched["id"].astype("Int64")
    return matched
