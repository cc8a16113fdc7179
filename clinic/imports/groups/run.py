"""
Groups with their members, a row a patient: who is named is put in; nobody is taken out but by a day of removal,
or by a row that the other system took out.

A group is known by its code; of a source that has only names, the name is the code too. Extracts keep the row
of a membership that is over beside that of the next one: who is in by any row of the file is in, whatever
its order.
"""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.imports.blocks import run_blocks
from clinic.imports.formats import cells_of, date_orders
from clinic.imports.journal import Journal
from clinic.imports.kind import Kind
from clinic.imports.left import HEADINGS, has_left
from clinic.imports.options import Options
from clinic.imports.result import Imported, fault_of
from clinic.imports.who import NOT_TAKEN, find_patients
from clinic.record.bulk import insert_rows, is_any_of, new_ids
from clinic.record.database import Record
from clinic.record.schema.people import group_member, patient_group
from clinic.values.dates import Order, read_dates

KIND: Final = Kind(
    "groups",
    "Groups with their members, a row a member.",
    {
        "code": ("Group Code", "Group ID", "Group"),
        "name": ("Group Name", "Name", "Description"),
        "removed": ("Date Removed", "Removed", "End Date", "Left Group"),
        "deleted": HEADINGS,
    },
    (("nhs_number", "local_id"), ("code", "name")),
    dates=("removed",),
)
SAYS: Final = {
    "added": "A patient who is in the group now.",
    "removed": "A patient who has been taken out of the group, as the row says.",
    "in_again": "A row that takes out a patient whom another row of the file has in the group: they are in it.",
    "unchanged": "A patient who is in the group, or out of it, as the file says.",
    "repeated": "The same patient and group stand in an earlier row of this file, which counts.",
    "group_missing": "The row names no group.",
    "code_invalid": "A group's code has 1 to 40 letters, digits, dots, dashes and underscores, and begins with "
    "one of the first two: nothing is taken.",
    "day_invalid": "The day of removal cannot be read: the patient stays as they are.",
    **NOT_TAKEN,
    "unreadable_row": "More or fewer cells than the heading: nothing is taken. Fix the row in the file.",
}
PROBLEMS: Final = frozenset(SAYS) - {"added", "removed", "in_again", "unchanged", "repeated"}
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


def import_groups(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """Put the patients of an opened file into their groups, which are made where they are not here."""
    days = ["removed"] if "removed" in file.fields else []
    order = date_orders(file, days, options.how).get("removed", "ambiguous")
    today = clock.now().date()
    current = _current(file, options, today, order)
    apply = partial(_apply, today=today, order=order, current=current)
    return run_blocks(
        record, clock, file, options, kind=KIND, problems=PROBLEMS, written=("added", "removed"),
        apply=apply,
    )  # fmt: skip


def _apply(
    connection: Connection, given: pd.DataFrame, fault: pd.Series[str], result: Imported,
    journal: Journal, *, today: date, order: Order, current: np.ndarray,
) -> pd.Series[str]:  # fmt: skip
    who = find_patients(connection, given["nhs_number"], given["local_id"])
    outcome = fault.where(fault != "", who["fault"].astype(object))
    code, name = _groups(given)
    gone, unread = _removed(given, today, order)
    for mask, why in (
        (code == "", "group_missing"),
        (~code.str.fullmatch(_CODE), "code_invalid"),
        (unread, "day_invalid"),
        (gone & np.isin(_memberships(given), current), "in_again"),
    ):
        outcome[(outcome == "") & mask.to_numpy(dtype=bool)] = why
    rows = pd.DataFrame(
        {"patient_id": who["patient_id"], "code": code, "name": name, "gone": gone},
        index=given.index,
    )[outcome == ""]
    rows["group_id"] = _ids(connection, rows, journal, result)
    rows["patient_id"] = rows["patient_id"].astype("int64")
    there = _members(connection, rows)
    pairs = pd.Series(list(zip(rows["group_id"], rows["patient_id"], strict=True)), rows.index)
    inside = pairs.isin(there)
    ends = pd.Series("unchanged", rows.index, dtype=object)
    ends[~inside & ~rows["gone"]] = "added"
    ends[inside & rows["gone"]] = "removed"
    ends[rows.duplicated(["group_id", "patient_id"])] = "repeated"
    outcome[rows.index] = ends
    _write(connection, rows[ends == "added"], rows[ends == "removed"], journal)
    return outcome


def _groups(given: pd.DataFrame) -> tuple[pd.Series[str], pd.Series[str]]:
    """Code and name of each row's group, "" where there is none."""
    empty = pd.Series("", given.index, dtype="str")
    name = given["name"] if "name" in given else empty
    code = given["code"] if "code" in given else empty
    made = name.str.casefold().str.replace(r"[^a-z0-9]+", "-", regex=True).str.strip("-").str[:40]
    code = code.where(code != "", made)
    return code, name.where(name != "", code)


def _removed(
    given: pd.DataFrame, today: date, order: Order
) -> tuple[pd.Series[bool], pd.Series[bool]]:
    left = has_left(given)
    if "removed" not in given:
        return left, left & False
    days = given["removed"].str.replace(r"[T ]\d\d:\d\d.*$", "", regex=True)
    read = read_dates(days, today=today, order=order, settled=True)
    return left | read["date"].notna(), (days != "") & read["date"].isna()


def _current(file: ListFile, options: Options, today: date, order: Order) -> np.ndarray:
    """The memberships that are not over by a row of the file; 8 bytes each, where any may be over."""
    found = [np.array([], dtype="uint64")]
    for block in file.blocks() if file.fields.keys() & {"removed", "deleted"} else ():
        given = cells_of(block, file, KIND, options.how)
        gone, unread = _removed(given, today, order)
        taken = fault_of(given, block.unreadable, options.codes) == ""
        found.append(_memberships(given)[(taken & ~gone & ~unread).to_numpy(dtype=bool)])
    return np.unique(np.concatenate(found))


def _memberships(given: pd.DataFrame) -> np.ndarray:
    """A number for each row's patient and group, by their ids as they are written."""
    code, _ = _groups(given)
    numbers = given["nhs_number"].str.replace(r"[ -]", "", regex=True)
    named = pd.DataFrame({"nhs": numbers, "own": given["local_id"], "code": code})
    return pd.util.hash_pandas_object(named, index=False).to_numpy()


def _ids(
    connection: Connection, rows: pd.DataFrame, journal: Journal, result: Imported
) -> pd.Series[int]:
    """The groups by their codes; those that are not here and are not left are made."""
    c = patient_group.c
    codes = dict(connection.execute(sa.select(c.code, c.id)).tuples().all())
    new = rows[~rows["code"].isin(list(codes))].drop_duplicates("code")
    if len(new):
        ids = new_ids(connection, patient_group, len(new))
        values = list(zip(ids, new["code"].tolist(), new["name"].tolist(), strict=True))
        insert_rows(connection, patient_group, ("id", "code", "name"), values)
        journal.added(connection, patient_group, ids)
        result.also["groups_made"] += len(new)
        codes |= dict(zip(new["code"].tolist(), ids, strict=True))
    return rows["code"].map(codes).astype("int64")


def _members(connection: Connection, rows: pd.DataFrame) -> set[tuple[int, int]]:
    m = group_member.c
    query = sa.select(m.group_id, m.patient_id).where(
        is_any_of(m.group_id, sorted(set(rows["group_id"].tolist()))),
        is_any_of(m.patient_id, sorted(set(rows["patient_id"].tolist()))),
    )
    return {(int(group), int(key)) for group, key in connection.execute(query)}


def _write(
    connection: Connection, added: pd.DataFrame, removed: pd.DataFrame, journal: Journal
) -> None:
    pairs = list(zip(added["group_id"].tolist(), added["patient_id"].tolist(), strict=True))
    insert_rows(connection, group_member, ("group_id", "patient_id"), pairs)
    gone = list(zip(removed["group_id"].tolist(), removed["patient_id"].tolist(), strict=True))
    m = group_member.c
    for group in sorted({each for each, _ in gone}):
        keys = [key for each, key in gone if each == group]
        connection.execute(
            sa.delete(group_member).where(m.group_id == group, is_any_of(m.patient_id, keys))
        )
    name, number = group_member.name, journal.import_id
    journal.note(
        connection,
        [(number, name, key, str(group), key, None, "1") for group, key in pairs]
        + [(number, name, key, str(group), key, "1", None) for group, key in gone],
    )
