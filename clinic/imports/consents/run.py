"""
Runs an import of consents: read ─► whose ─► what is said ─► what is new ─► noted, a block a transaction.

Run again it changes nothing, so that a killed import is simply run again. A dry run does all but write. The
audit trail has that it began and how it ended: who, the file's SHA-256 and counts, no value of a row (NEW-10).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.govern.audit.chain import hold
from clinic.imports.blocks import apply_new
from clinic.imports.consents.ended import Ended
from clinic.imports.consents.held import Held
from clinic.imports.consents.known import find_known
from clinic.imports.consents.reading import (
    ID_OF_NOBODY,
    IDS_OF_TWO,
    KIND,
    OUT,
    PROBLEMS,
    read_decisions,
)
from clinic.imports.formats import cells_of, date_order
from clinic.imports.journal import NOTED_BY_IMPORTS, Journal
from clinic.imports.options import Options
from clinic.imports.result import Imported, fault_of, tell
from clinic.imports.same import Same, forget_elsewhere
from clinic.imports.who import IDS_DIFFER
from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.systems.sync_runs import forget_marks
from clinic.values.dates import Order
from clinic.values.nhs_number import INVALID

_SAME: Final = ["patient_id", "channel", "purpose", "decision", "decided_at"]
# What a row ends with, where its columns say several things: the first of these that one of them is
_ORDER: Final = (
    "widened", "noted", "decision_unclear", "consent_ended", "consent_unclear", "consent_undated", "unchanged",
)  # fmt: skip


def import_consents(record: Record, clock: Clock, file: ListFile, options: Options) -> Imported:
    """
    Note every decision of an opened file that the record does not have.

    Returns:
        with `refused`, where `complete` withdraws nothing although the file lacks some: why

    Raises:
        ListRefused: the file changed while it was read; what was noted stays
    """
    now = clock.now()
    result = Imported.of(file)
    order = date_order(file, "date", options.how)
    journal = Journal()
    if not options.check:
        tell(record, clock, KIND.name, file, options.by)
        journal = Journal.begin(
            record, clock, file, kind=KIND.name, source=options.source, by=options.by
        )
        result.number = journal.import_id
    ended = Ended.of(record, file, options, now=now, order=order)
    if back := ended.take_back(record, journal, options):
        result.also["taken_back"] = back
    held = Held(record, options)
    # Of a source that has all, each row is looked for among what the record has
    same = Same.of(KIND.name, file, options, {"date": order}) if options.complete is None else None
    for block in file.blocks():
        result.pass_by(block)
        given = cells_of(block, file, KIND, options.how, result.also)
        fault = fault_of(given, block.unreadable, options.codes)
        with record.write(keep=not options.check) as connection:
            hold(connection, f"import {KIND.name}")  # beside another one, each is noted once
            apply = partial(
                _note, connection, now=now, options=options, order=order, result=result, held=held,
                ended=ended,
            )  # fmt: skip
            with journal.watch(connection):
                outcome = apply_new(connection, same, block, given, fault, apply)
        result.note(outcome, PROBLEMS)
    result.refused = held.why_not(result)
    if not result.refused:
        result.also.update(["withdrawn"] * len(held.gone()))
        if not options.check:
            held.withdraw(record, journal)
    if not options.check:
        noted = sum(
            result.counts[code]
            for code in ("noted", "partly_noted", "widened", ID_OF_NOBODY, IDS_OF_TWO)
        )
        tell(record, clock, KIND.name, file, options.by, result, patients=noted)
        journal.end(record, clock, result)
    return result


def _note(
    connection: Connection, given: pd.DataFrame, fault: pd.Series[str], *, now: datetime,
    options: Options, order: Order, result: Imported, held: Held, ended: Ended,
) -> pd.Series[str]:  # fmt: skip
    """Note a block's decisions; what each row came to."""
    said = read_decisions(given, now=now, zone=options.time_zone, order=order)
    outcome = fault.where(fault != "", given["who_fault"].astype(object))
    said = said.assign(patient_id=given["patient_id"].reindex(said["row"]).array)
    said = _usable(said, given, outcome)
    said.loc[ended.are_over(said) & (said["fault"] == ""), "fault"] = "consent_ended"
    to_note = said["fault"].isin(["", "widened"])
    known, elsewhere = find_known(connection, said, options.source)
    new = to_note & ~known
    new &= ~said[new].duplicated(_SAME).reindex(
        said.index, fill_value=False
    )  # said once is noted once
    said["ends"] = said["fault"].mask(to_note, "unchanged")
    said.loc[new, "ends"] = said.loc[new, "fault"].replace({"": "noted"})
    rank = said["ends"].map({code: place for place, code in enumerate(_ORDER)})
    best = rank.groupby(said["row"]).min().map(dict(enumerate(_ORDER)))
    partly = said.loc[~to_note, "row"]
    best[best.index.isin(partly) & (best == "noted")] = "partly_noted"
    open_rows = outcome == ""
    outcome[open_rows] = best.reindex(outcome.index[open_rows]).fillna("decision_missing")
    noted = said[new]
    result.also.update(noted["decision"].tolist())
    # Of those that other sources have said already each source has its own: what one withdraws others say still
    again = said.assign(decided_at=elsewhere)[to_note & elsewhere.notna()].drop_duplicates(_SAME)
    _write(connection, pd.concat([noted, again]) if len(again) else noted, now)
    _lifted(connection, noted, options)
    held.saw(said, result)
    later = said[to_note & said["again"].notna()]
    if len(later):
        first = later["again"].min().to_pydatetime()
        result.again_at = min(result.again_at or first, first)
    # Of a row that says something else besides, which is not understood or has ended, that is said each time;
    # and one that lies ahead is read again
    outcome.attrs["open"] = [*partly.unique().tolist(), *later["row"].unique().tolist()]
    return outcome


def _usable(said: pd.DataFrame, given: pd.DataFrame, outcome: pd.Series[str]) -> pd.DataFrame:
    """
    What is said of patients whom we know; of an opt-out whose ids disagree, for everybody whom it may be of.

    What a row of those comes to is put into `outcome`.
    """
    somebody = outcome.isin([IDS_DIFFER, INVALID]) & given["patient_id"].notna()
    doubted = (said["decision"] == OUT) & somebody.reindex(said["row"]).to_numpy(dtype=bool)
    plain = (outcome == "").reindex(said["row"]).to_numpy(dtype=bool)
    rows = sorted(set(said.loc[doubted, "row"]))
    two = given["other_id"].reindex(rows).notna()
    outcome[two.index[~two]] = ID_OF_NOBODY
    outcome[two.index[two]] = IDS_OF_TWO
    other = said[doubted].assign(
        patient_id=given["other_id"].reindex(said.loc[doubted, "row"]).array
    )
    both = [said[plain | doubted], other[other["patient_id"].notna()]]
    return pd.concat(both, ignore_index=True)


def _lifted(connection: Connection, noted: pd.DataFrame, options: Options) -> None:
    """
    Whom a consent was noted of who had opted out elsewhere: what other sources say is read again.

    Of one day the opt-out counts, which may have been read before that day was over.
    """
    c = consent.c
    agreed = noted.loc[noted["decision"] != OUT, "patient_id"].unique().tolist()
    had = sa.select(c.patient_id).where(
        is_any_of(c.patient_id, agreed), c.decision == OUT, c.source.in_(NOTED_BY_IMPORTS)
    )
    if patients := sorted(set(connection.scalars(had))):
        forget_elsewhere(connection, "consents", options.source, patients)
        forget_marks(connection, "consents", but=options.source)


def _write(connection: Connection, noted: pd.DataFrame, now: datetime) -> None:
    at = noted["decided_at"].dt.tz_convert("UTC").fillna(pd.Timestamp(now))
    coded = noted["code"] != ""
    columns = {
        "patient_id": noted["patient_id"].astype("int64").tolist(),
        "channel": noted["channel"].tolist(),
        "purpose": noted["purpose"].tolist(),
        "decision": noted["decision"].tolist(),
        "decided_at": at.dt.to_pydatetime().tolist(),
        "source": coded.map({True: "code", False: "import"}).tolist(),
        "code": noted["code"].astype(object).where(coded, None).tolist(),
    }
    insert_rows(connection, consent, list(columns), zip(*columns.values(), strict=True))
