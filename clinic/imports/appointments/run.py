"""
Runs an import of appointments: rows ─► whose ─► which of the record's ─► written, a block a transaction.

Run again it changes nothing. A dry run does all but write. With `complete` the source holds every appointment
from a day to a day: what the record has more of, from this source, is cancelled and counted, unless that is
more than a share that nobody would expect; then nothing of it is cancelled and both counts are said.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.govern.audit.chain import hold
from clinic.imports.appointments.compare import compare_rows
from clinic.imports.appointments.gone import find_gone
from clinic.imports.appointments.known import note_rows, salt_of, unchanged
from clinic.imports.appointments.pairs import BOOKED_AGAIN, REPLACED, Pairs
from clinic.imports.appointments.reading import (
    KIND,
    LONGEST_ID,
    PROBLEMS,
    REMARKS,
    read_appointments,
)
from clinic.imports.appointments.slots import (
    CANCELLED,
    FIELDS,
    add,
    cancel,
    change,
    changes_of,
    find_places,
    ids_of,
    link,
    match,
    note_cancelled,
)
from clinic.imports.formats import cells_of
from clinic.imports.journal import Journal
from clinic.imports.options import Options
from clinic.imports.result import Imported, fault_of, tell
from clinic.imports.who import NO_ID, NOT_FOUND, find_patients
from clinic.record.database import Record
from clinic.record.schema.people import appointment
from clinic.values.dates import Order

_UNSURE: Final = frozenset("nhs_number_invalid ids_differ nhs_number_missing start_invalid".split())
_WRITTEN: Final = ("added", BOOKED_AGAIN, "moved", "changed", CANCELLED, REPLACED)


def import_appointments(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """
    Bring the record's appointments up to date with an opened file.

    Returns:
        with `refused`, where `complete` cancels nothing although the file lacks some: why

    Raises:
        ListRefused: the file changed while it was read; what was written stays
    """
    now = clock.now()
    check, source = options.check, options.source
    result = Imported.of(file)

    def read(given: pd.DataFrame, unreadable: np.ndarray, order: Order) -> pd.DataFrame:
        return _rows(given, unreadable, now, order, options)

    compared = compare_rows(partial(_cells, file, options), read, options.how)
    with record.read() as connection:
        salt = salt_of(connection, options, compared.order)
    journal, pairs = Journal(), Pairs()
    if not check:
        tell(record, clock, KIND.name, file, options.by)
        journal = Journal.begin(record, clock, file, kind=KIND.name, source=source, by=options.by)
        result.number = journal.import_id
    seen: list[np.ndarray] = []
    start = 0
    unclear = 0
    for given, unreadable in _cells(file, options, result):
        part = slice(start, start + len(given))
        start = part.stop
        digests = compared.digests[part] ^ salt
        plain = ~(compared.again[part] | compared.contradicts[part] | unreadable)
        with record.read() if check else record.write() as connection:
            if not check:
                hold(
                    connection, f"import {KIND.name} {source}"
                )  # beside another one, each is added once
            known = unchanged(connection, source, given, digests, plain)
            new = known.isna().to_numpy()
            rows = read(given[new], unreadable[new], compared.order)
            readable = rows["outcome"] == ""
            rows.loc[compared.again[part][new] & readable, "outcome"] = "repeated"
            rows.loc[compared.contradicts[part][new] & readable, "outcome"] = "contradicts"
            rows["digest"] = digests[new]
            spoken_of = _apply(connection, rows, source, result, journal, pairs, write=not check)
            if options.complete is not None:  # else nobody asks what is not in the file
                seen += [known.dropna().to_numpy("int64"), spoken_of]
        outcomes = pd.Series("unchanged", given.index, dtype=object)
        outcomes[new] = rows["outcome"]
        result.note(outcomes, PROBLEMS)
        unclear += int(_may_be_any(rows).sum())
    seen_ids = np.concatenate(seen or [np.array([], int)])
    gone = find_gone(record, source, options.time_zone, options.complete, seen_ids)
    result.refused = gone.why_not(unclear, options.complete)
    if not result.refused:
        result.also["no_longer_there"] = len(gone.ids)
        if not check and gone.ids:
            with record.write() as connection:
                note_cancelled(connection, journal, gone.ids)
                cancel(connection, gone.ids)
    pairs.count(result, [] if result.refused else gone.patients)
    if not check:
        written = sum(result.counts.get(name, 0) for name in _WRITTEN)
        tell(record, clock, KIND.name, file, options.by, result, patients=written)
        journal.end(record, clock, result)
    return result


def _cells(
    file: ListFile, options: Options, told: Imported | None = None
) -> Iterator[tuple[pd.DataFrame, np.ndarray]]:
    """The blocks in our fields, and which rows cannot be read. `told`: counts what is not taken of them."""
    for block in file.blocks():
        if told is not None:
            told.pass_by(block)
        masked = None if told is None else told.also
        yield cells_of(block, file, KIND, options.how, masked), block.unreadable


def _may_be_any(rows: pd.DataFrame) -> pd.Series[bool]:
    """Rows that may be of any appointment: unreadable ones, or without an id and a sure patient and time."""
    without = rows["key"].eq("") & rows["outcome"].isin(_UNSURE)
    return without | rows["outcome"].isin(["unreadable_row", "id_too_long"])


def _rows(
    given: pd.DataFrame, unreadable: np.ndarray, now: datetime, order: Order, options: Options
) -> pd.DataFrame:
    rows = read_appointments(
        given,
        now=now,
        zone=options.time_zone,
        order=order,
        slots=options.how.layout == "emis-bulk",
        owned=options.how.owns_columns,
    )
    rows[["nhs_number", "local_id"]] = given[["nhs_number", "local_id"]]
    rows["outcome"] = fault_of(given, unreadable, options.codes)
    rows.loc[(rows["outcome"] == "") & (rows["key"].str.len() > LONGEST_ID), "outcome"] = (
        "id_too_long"
    )
    return rows


def _apply(
    connection: Connection, rows: pd.DataFrame, source: str, result: Imported, journal: Journal,
    pairs: Pairs, *, write: bool,
) -> np.ndarray:  # fmt: skip
    """Judge and write a block; the ids of the appointments that it speaks of."""
    if rows.empty:
        return np.array([], dtype="int64")
    who = find_patients(connection, rows["nhs_number"], rows["local_id"])
    rows["patient_id"] = who["patient_id"]
    rows["key"] = _keys(rows)
    for field, count in find_places(connection, rows).items():
        result.also[f"{field}_unknown"] += count
    for remark in REMARKS:
        result.also[remark] += int(rows[remark].sum())
    asked = rows["outcome"] == ""
    known = match(connection, rows[asked], source)
    fault = who["fault"].where(asked, "")
    free = (fault == NO_ID) & (rows["key"] != "")
    given_away = known[
        ~known["own"] & known["row"].isin(rows.index[free | (fault == "") | (fault == NOT_FOUND)])
    ]
    rows.loc[free, "outcome"] = "slot_free"
    rows.loc[asked & (fault != "") & ~free, "outcome"] = fault
    unknown = (rows["outcome"] == "") & (rows["status"] == "")
    rows.loc[unknown, "outcome"] = "status_unknown"
    no_start = (rows["outcome"] == "") & rows["starts_at"].isna() & (rows["status"] != CANCELLED)
    rows.loc[no_start, "outcome"] = "start_invalid"
    own = known[known["own"]].drop_duplicates("row").set_index("row")
    usable = own.loc[own.index.isin(rows.index[rows["outcome"] == ""])]
    said = rows.assign(starts_at=rows["starts_at"].fillna(usable["starts_at"].reindex(rows.index)))
    after = changes_of(said, usable)
    rows.loc[after.index, "outcome"] = after["outcome"]
    fresh = rows[(rows["outcome"] == "") & rows["status"].isin(["booked", "arrived", "started"])]
    rows.loc[rows["outcome"] == "", "outcome"] = "not_here"
    rows.loc[fresh.index, "outcome"] = "added"
    emptied = given_away[~given_away["status"].isin([CANCELLED, "no_show", "finished"])]
    rows.loc[free & rows.index.isin(emptied["row"]), "outcome"] = CANCELLED
    taken = emptied[~emptied["row"].isin(rows.index[free])]
    taken = taken[~taken["row"].isin(rows.index[unknown | no_start])]
    result.also["given_to_another"] += len(taken)
    freed = emptied[emptied["row"].isin(rows.index[free])]
    own_cancelled = after.loc[after["outcome"] == CANCELLED, "patient_id"]
    pairs.note(
        added=_ids(fresh["patient_id"]),
        cancelled=np.concatenate(
            [_ids(own_cancelled), _ids(freed.drop_duplicates("row")["patient_id"])]
        ),
        given=_ids(taken["patient_id"]),
    )
    added: list[int] = []
    if write:
        emptied_ids = [int(key) for key in (*freed["id"], *taken["id"])]
        added = _write(connection, rows, source, fresh, after, own, emptied_ids, journal)
    passed_by = ids_of(connection, source, rows.loc[~asked, "key"].tolist())
    return np.array([*known["id"].tolist(), *added, *passed_by], dtype="int64")


def _ids(patients: pd.Series[int]) -> np.ndarray:
    return patients.dropna().to_numpy(dtype="int64")


def _write(
    connection: Connection, rows: pd.DataFrame, source: str, fresh: pd.DataFrame, after: pd.DataFrame,
    own: pd.DataFrame, emptied: list[int], journal: Journal,
) -> list[int]:  # fmt: skip
    """Write what was judged; the ids of the appointments that were added."""
    note_cancelled(connection, journal, emptied)
    cancel(connection, emptied)
    other = after[after["outcome"] != "unchanged"]
    change(connection, other)
    ids = add(connection, fresh)
    journal.changed(connection, appointment, own.loc[other.index], other, FIELDS)
    journal.added(connection, appointment, ids)
    adopted = own.loc[own["adopted"].astype(bool) & own.index.isin(after.index), "id"]
    new = pd.concat([pd.Series(ids, fresh.index, dtype="int64"), adopted.astype("int64")])
    digests = rows["digest"].astype("Int64").mask(_is_remarkable(rows))
    link(connection, source, rows["key"], new, digests)
    note_rows(connection, source, after["id"], new, digests)
    return ids


def _is_remarkable(rows: pd.DataFrame) -> pd.Series[bool]:
    """Rows of which something is counted besides: it is counted each time that they come."""
    places = [(rows[name] != "") & rows[f"{name}_id"].isna() for name in ("provider", "facility")]
    found = [each.to_numpy(dtype=bool) for each in (*(rows[name] for name in REMARKS), *places)]
    return pd.Series(np.logical_or.reduce(found), rows.index, dtype=bool)


def _keys(rows: pd.DataFrame) -> pd.Series[str]:
    """The source's ids; of a source without ids, patient and time, which are what it knows one by."""
    made = (rows["key"] == "") & rows["patient_id"].notna() & rows["starts_at"].notna()
    keys = rows["key"].astype(object)
    patients = rows.loc[made, "patient_id"].astype("int64").astype(str)
    keys[made] = patients + " " + rows.loc[made, "starts_at"].dt.strftime("%Y-%m-%dT%H:%MZ")
    return keys.astype("str")
