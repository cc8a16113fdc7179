"""
Takes patients in from an export of the practice's system: new ones are added, changed ones brought up to date.

A block of rows is one transaction; running the same file again changes nothing, so that a killed import
is simply run again. A cell that is empty takes nothing away, unless the source owns its columns. The first row
of a patient counts; another row of the same patient is listed, and so is every row that cannot be used. Where a
patient belongs is imported for those who belong nowhere yet (belonging.py). Marks of patients at risk, and who
declined to be messaged, are imported too (contact.py).

The audit trail has two acts of it: that it began, before the first row, and how it ended, with counts.
Each names who, the digest of the file's bytes and no value of a row (NEW-10).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import Block, ListFile
from clinic.govern.audit.chain import hold
from clinic.imports.journal import Journal
from clinic.imports.options import Options
from clinic.imports.patients.belonging import Belonging
from clinic.imports.patients.columns import COLUMNS, KIND, PROBLEMS, USED
from clinic.imports.patients.contact import ContactColumns
from clinic.imports.patients.matching import mark_repeated, match
from clinic.imports.patients.reading import Reader
from clinic.imports.patients.seen import Seen
from clinic.imports.patients.unchanged import Unchanged
from clinic.imports.patients.writing import insert, update
from clinic.imports.result import Imported, tell
from clinic.practice.needs import headings_of, keep_columns
from clinic.record.database import Record
from clinic.record.schema.people import patient


@dataclass
class PatientsImported(Imported):
    """
    What an import of patients did besides.

    unknown: "facility_id" and "provider_id" → codes and names of the file that are not here → rows
    stayed: rows of patients whom the file puts elsewhere than where they are, and who stay there
    foreign: codes of organisations that may not be held here → rows
    contact: columns that say how patients may be contacted, and for how many patients it was set
    unclear_needs: headings of what patients need → cells that were not understood
    """

    unknown: dict[str, Counter[str]] = field(default_factory=dict)
    stayed: int = 0
    foreign: Counter[str] = field(default_factory=Counter)
    contact: ContactColumns = field(default_factory=ContactColumns)
    unclear_needs: Counter[str] = field(default_factory=Counter)


def import_patients(
    record: Record, clock: Clock, file: ListFile, options: Options
) -> PatientsImported:
    """
    Import every row of an opened list. Run again: nothing changes. Dates of birth after today are refused.

    Raises:
        ListRefused: the file changed while it was read; what was imported stays
    """
    today, by = clock.now().date(), options.by
    with record.read() as connection:
        belonging = Belonging.of(connection, options.codes)
    reader = Reader.of(file, options, belonging, today)
    others = [name for name in file.columns if name not in file.fields.values()]
    contact, needs = ContactColumns.of(others), headings_of(file.columns)
    used = {*reader.fields.values(), *contact.headings, *needs.values()}
    unused = tuple(name for name in file.columns if name not in used)
    result = PatientsImported(
        file.row_count, unused=unused, unknown=belonging.unknown, contact=contact,
        foreign=belonging.foreign,
    )  # fmt: skip
    seen = Seen()
    journal = Journal()
    if not options.check:
        tell(record, clock, KIND.name, file, by)
        journal = Journal.begin(record, clock, file, kind=KIND.name, source=options.source, by=by)
        result.number = journal.import_id
    # Marks and needs are looked at each time: staff may have lifted one
    known = None if contact.headings or needs else Unchanged.of(reader)
    for block in file.blocks():
        result.pass_by(block)
        with record.write(keep=not options.check) as connection:
            hold(connection, f"import {KIND.name}")  # beside another one, each is added once
            digests, block = _pass_over(connection, known, block, seen, result)
            if block.frame.empty:
                continue
            rows = reader.read(block)
            mark_repeated(rows, seen)
            before = match(connection, rows, belonging, owned=reader.owned, lock=True)
            ids = insert(connection, rows[rows["outcome"] == "added"])
            update(connection, rows.loc[before.index], today)
            rows.loc[rows["outcome"] == "added", "id"] = ids
            journal.added(connection, patient, ids)
            journal.changed(connection, patient, before, rows.loc[before.index], COLUMNS)
            with _opt_outs(connection, journal, contact):
                contact.apply(connection, block, rows, by=by, now=clock.now())
            unclear = _keep_needs(connection, clock, block, rows, needs, by=by)
            result.unclear_needs.update({needs[name]: n for name, n in unclear.items() if n})
            if known is not None:
                known.note(connection, _as_written(rows), digests)
        result.note(rows["outcome"], PROBLEMS)
    result.stayed = belonging.stayed
    result.also.update({
        "no_contact": contact.restricted, "opted_out": contact.opted_out,
        "national_opt_out": contact.kept_from_research, **reader.remarks,
    })  # fmt: skip
    result.also, result.counts = +result.also, +result.counts
    if not options.check:
        if contact.restricted or needs:
            journal.more(record)
        written = sum(result.counts[name] for name in ("added", "changed", "moved"))
        tell(record, clock, KIND.name, file, by, result, patients=written)
        journal.end(record, clock, result)
    return result


def _pass_over(
    connection: Connection, known: Unchanged | None, block: Block, seen: Seen, result: Imported
) -> tuple[np.ndarray, Block]:
    """Count the rows that say what they said last time; the digests of the others, and those alone."""
    if known is None:
        return np.array([], dtype="int64"), block
    digests = known.digests(block)
    found = known.find(connection, block, digests, seen)
    result.counts["unchanged"] += int(found.sum())
    return digests[~found], Block(block.frame[~found], block.unreadable[~found])


def _as_written(rows: pd.DataFrame) -> pd.DataFrame:
    """With each patient's version as it is now."""
    added = rows["outcome"] == "added"
    other = rows["outcome"].isin(["changed", "moved"]).astype(int)
    return rows.assign(version=rows["version"].where(~added, 0) + other + added.astype(int))


@contextmanager
def _opt_outs(connection: Connection, journal: Journal, contact: ContactColumns) -> Iterator[None]:
    """Decisions that the columns say are of this import alone: no import of consents is beside it."""
    if not contact.headings:
        yield
        return
    hold(connection, "import consents")
    with journal.watch(connection):
        yield


def _keep_needs(
    connection: Connection, clock: Clock, block: Block, rows: pd.DataFrame, needs: Mapping[str, str], *,
    by: str,
) -> Counter[str]:  # fmt: skip
    """NEW-32: of rows that were used; how many cells of which field were not understood."""
    used = rows["outcome"].isin(list(USED))
    if needs and used.any():
        texts = pd.DataFrame({name: block.frame[at].str.strip() for name, at in needs.items()})
        return keep_columns(connection, clock, rows[used], texts[used], by=by)
    return Counter()
