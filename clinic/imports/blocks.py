"""What imports of several kinds share: a block a transaction, begun and ended on the trail."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pandas as pd
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.govern.audit.chain import hold
from clinic.imports.formats import cells_of
from clinic.imports.journal import Journal
from clinic.imports.kind import Kind
from clinic.imports.options import Options
from clinic.imports.result import Imported, fault_of, tell
from clinic.record.database import Record

# Judges a block's rows and writes them. Given: the cells in our fields, and why a row is not read, "" where it
# is; gives back each row's outcome
Apply = Callable[[Connection, pd.DataFrame, pd.Series, Imported, Journal], pd.Series]


def run_blocks(
    record: Record, clock: Clock, file: ListFile, options: Options, *, kind: Kind,
    problems: frozenset[str], written: Collection[str], apply: Apply,
) -> Imported:  # fmt: skip
    """
    Import a file block by block; of a dry run all is undone again.

    Args:
        written: outcomes of rows that changed something

    Raises:
        ListRefused: the file changed while it was read; what was imported stays
    """
    result, journal = Imported.of(file), Journal()
    if not options.check:
        tell(record, clock, kind.name, file, options.by)
        journal = Journal.begin(
            record, clock, file, kind=kind.name, source=options.source, by=options.by
        )
        result.number = journal.import_id
    for block in file.blocks():
        given = cells_of(block, file, kind, options.how)
        fault = fault_of(given, block.unreadable, options.codes)
        with record.write(keep=not options.check) as connection:
            hold(connection, f"import {kind.name}")  # beside another one, each is added once
            outcome = apply(connection, given, fault, result, journal)
        result.note(outcome, problems)
    if not options.check:
        count = sum(result.counts[name] for name in written)
        tell(record, clock, kind.name, file, options.by, result, patients=count)
        journal.end(record, clock, result)
    return result
