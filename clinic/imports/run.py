"""
Runs an import of consents: read ─► whose ─► what is said ─► what is new ─► noted, a block a transaction.

Run again it changes nothing, so that a killed import is simply run again. A dry run does all but write. The
audit trail has that it began and how it ended: who, the file's SHA-256 and counts, no value of a row (NEW-10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import Block, ListFile, open_list
from clinic.govern.audit.trail import Act, record_act
from clinic.imports.consents import KIND, OUT, read_decisions
from clinic.imports.who import find_patients
from clinic.message.eligibility.decisions import write_consents
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.values.dates import Order, order_of, proven_orders

MOST_LISTED: Final = 10_000
# Rows that said something which was not noted
UNUSED: Final = frozenset(
    "consent_undated consent_unclear decision_unclear patient_not_found ids_differ nhs_number_missing "
    "nhs_number_invalid unreadable_row widened".split()
)
_SOURCES: Final = ("import", "code")
# What a row ends with, where its columns say several things: the first of these that one of them is
_ORDER: Final = (
    "widened", "noted", "decision_unclear", "consent_unclear", "consent_undated", "unchanged",
)  # fmt: skip


@dataclass
class Imported:
    """
    What an import did, or would do.

    counts: rows by outcome (consents.SAYS), adding up to the file's rows
    decisions: how many were noted, by "opt_out" and "opt_in"
    problems: row number and code of rows that need a look, the first 10,000
    unused: headings that an import of this kind does not use
    """

    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[int, str]] = field(default_factory=list)
    unused: tuple[str, ...] = ()


def open_consents(path: Path) -> ListFile:
    """
    Open a file of consents.

    Raises:
        ListRefused: it cannot be read, or lacks a column that is needed
    """
    return open_list(path, map_headings=KIND.headings())


def import_consents(
    record: Record, clock: Clock, file: ListFile, *, zone: str, by: str, check: bool = False
) -> Imported:
    """
    Note every decision of an opened file that the record does not have.

    Args:
        zone: of the file's dates and times
        check: a dry run: nothing is written

    Raises:
        ListRefused: the file changed while it was read; what was noted stays
    """
    now = clock.now()
    used = set(file.fields.values())
    result = Imported(file.row_count, unused=tuple(c for c in file.columns if c not in used))
    order = _date_order(file)
    if not check:
        _tell(record, clock, "import-begun", file, by, {})
    for block in file.blocks():
        given = _fields(block, file.fields)
        said = read_decisions(given, now=now, zone=zone, order=order)
        if check:
            with record.read() as connection:
                _note(connection, block, given, said, now, result, write=False)
        else:
            with record.write() as connection:
                _note(connection, block, given, said, now, result, write=True)
    if not check:
        _tell(record, clock, "imported", file, by, {**result.counts, **result.decisions})
    return result


def _fields(block: Block, fields: Mapping[str, str]) -> pd.DataFrame:
    frame = pd.DataFrame({name: block.frame[head].str.strip() for name, head in fields.items()})
    for name in ("nhs_number", "local_id"):
        if name not in frame:
            frame[name] = pd.Series("", frame.index, dtype="str")
    return frame


def _date_order(file: ListFile) -> Order:
    head = file.fields.get("date")
    proven: set[Order] = set()
    if head is not None:
        for block in file.blocks():
            proven |= proven_orders(text.split(" ")[0] for text in block.frame[head].unique())
    return order_of(None, proven)


def _note(
    connection: Connection, block: Block, given: pd.DataFrame, said: pd.DataFrame,
    now: datetime, result: Imported, *, write: bool,
) -> None:  # fmt: skip
    who = find_patients(connection, given["nhs_number"], given["local_id"])
    outcome = who["fault"].astype(object)
    outcome[pd.Series(block.unreadable, given.index)] = "unreadable_row"
    said = said.assign(patient_id=who["patient_id"].reindex(said["row"]).array)
    usable = (outcome == "").reindex(said["row"]).to_numpy(dtype=bool)
    said = said[usable].copy()
    to_note = said["fault"].isin(["", "widened"])
    new = to_note & ~_is_known(connection, said)
    said["ends"] = said["fault"].mask(to_note, "unchanged")
    said.loc[new, "ends"] = said.loc[new, "fault"].replace({"": "noted"})
    rank = said["ends"].map({code: place for place, code in enumerate(_ORDER)})
    best = rank.groupby(said["row"]).min().map(dict(enumerate(_ORDER)))
    open_rows = outcome == ""
    outcome[open_rows] = best.reindex(outcome.index[open_rows]).fillna("decision_missing")
    result.counts.update(outcome.tolist())
    noted = said[new].drop_duplicates(
        ["patient_id", "channel", "purpose", "decision", "decided_at"]
    )
    result.decisions.update(noted["decision"].tolist())
    for row, code in outcome[outcome.isin(UNUSED)].items():
        if len(result.problems) < MOST_LISTED:
            result.problems.append((int(str(row)), str(code)))
    if write:
        write_consents(connection, [_row(each, now) for each in noted.to_dict("records")])


def _row(said: Mapping[Any, Any], now: datetime) -> dict[str, Any]:
    at = said["decided_at"]
    return {
        "patient_id": int(said["patient_id"]), "channel": said["channel"], "purpose": said["purpose"],
        "decision": said["decision"],
        "decided_at": now if pd.isna(at) else at.to_pydatetime().astimezone(UTC),
        "source": "code" if said["code"] else "import", "code": said["code"] or None,
    }  # fmt: skip


def _is_known(connection: Connection, said: pd.DataFrame) -> pd.Series[bool]:
    """
    Which decisions the record has from an import: at that moment, or, of an opt-out without one, at any. So
    what a patient decides after an import of undated opt-outs counts, however often the file comes again.
    """
    ids = said["patient_id"].unique().tolist()
    c = consent.c
    rows = connection.execute(
        sa.select(c.patient_id, c.channel, c.purpose, c.decision, c.decided_at).where(
            is_any_of(c.patient_id, ids), c.source.in_(_SOURCES)
        )
    ).all()
    exact = {(row[0], row[1], row[2], row[3], row[4].astimezone(UTC)) for row in rows}
    ever = {(row[0], row[1], row[2]) for row in rows if row[3] == OUT}
    return pd.Series(
        [
            (key, channel, purpose) in ever
            if pd.isna(at)
            else (key, channel, purpose, decision, at.to_pydatetime().astimezone(UTC)) in exact
            for key, channel, purpose, decision, at in said[
                ["patient_id", "channel", "purpose", "decision", "decided_at"]
            ].itertuples(index=False)
        ],
        said.index,
        dtype=bool,
    )


def _tell(
    record: Record, clock: Clock, what: str, file: ListFile, by: str, counts: Mapping[str, int]
) -> None:
    act = Act(
        operator=by,
        operation_type=f"consents.{what}",
        subject="patients",
        patients_affected=counts.get("noted", 0) + counts.get("widened", 0),
        new_values={"sha256": file.sha256, "size": file.size, **counts},
    )
    with record.write() as connection:
        record_act(connection, clock, act)
