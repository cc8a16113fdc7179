"""What imports of several kinds share: a block a transaction, begun and ended on the trail."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import Block, ListFile
from clinic.govern.audit.chain import hold
from clinic.imports.formats import cells_of
from clinic.imports.journal import Journal
from clinic.imports.kind import Kind
from clinic.imports.options import Options
from clinic.imports.result import Imported, fault_of, tell
from clinic.imports.same import Rows, Same, forget_elsewhere
from clinic.imports.who import find_patients
from clinic.record.database import Record

# Judges a block's rows and writes them. Given: the cells in our fields, and why a row is not read, "" where it
# is; gives back each row's outcome
Apply: TypeAlias = "Callable[[Connection, pd.DataFrame, pd.Series, Imported, Journal], pd.Series]"
Judge: TypeAlias = "Callable[[pd.DataFrame, pd.Series], pd.Series]"  # the same within a transaction
# Outcomes of rows that came to something, and that would be unchanged if they came again
SETTLED: Final = frozenset({"added", "changed", "noted", "widened", "unchanged"})


def apply_new(
    connection: Connection, same: Same | None, block: Block, given: pd.DataFrame, fault: pd.Series[str],
    apply: Judge,
) -> pd.Series[str]:  # fmt: skip
    """
    Judge and write the rows of those patients whose rows say something new; the others are unchanged.

    Args:
        apply: from the cells, with `patient_id`, `other_id` and `who_fault`, and the faults; gives back
            outcomes, with the rows that have to be read each time as `attrs["open"]`
    """
    if same is None:
        who = find_patients(connection, given["nhs_number"], given["local_id"])
        return apply(_with(given, who), fault)
    rows = same.rows_of(block)
    known = same.find(connection, rows)
    new = known == 0
    outcome = pd.Series("unchanged", given.index, dtype=object)
    if not new.any():
        return outcome
    who = find_patients(connection, given.loc[new, "nhs_number"], given.loc[new, "local_id"])
    # Rows that name one of the others by another id
    again = np.isin(known, who["patient_id"].dropna().to_numpy("int64")) & ~new
    if again.any():
        new |= again
        who = find_patients(connection, given.loc[new, "nhs_number"], given.loc[new, "local_id"])
    judged = apply(_with(given[new], who), fault[new])
    outcome[new] = judged
    good = (judged.isin(SETTLED) & ~judged.index.isin(judged.attrs.get("open", ()))).to_numpy(bool)
    changed = who["patient_id"][(judged == "changed").to_numpy()].dropna().unique()
    if len(changed):
        forget_elsewhere(connection, same.kind, same.source, changed.tolist())
    read = Rows(rows.patients[new], rows.digests)
    same.note(connection, read, who["patient_id"], who["version"], good)
    return outcome


def _within(apply: Apply, connection: Connection, result: Imported, journal: Journal) -> Judge:
    return lambda given, fault: apply(connection, given, fault, result, journal)


def _with(given: pd.DataFrame, who: pd.DataFrame) -> pd.DataFrame:
    return given.assign(
        patient_id=who["patient_id"], other_id=who["other_id"], who_fault=who["fault"]
    )


def run_blocks(
    record: Record, clock: Clock, file: ListFile, options: Options, *, kind: Kind,
    problems: frozenset[str], written: Collection[str], apply: Apply, same: Same | None = None,
) -> Imported:  # fmt: skip
    """
    Import a file block by block; of a dry run all is undone again.

    Args:
        written: outcomes of rows that changed something
        same: passes over the rows of patients that say what they said; `given` then has `patient_id` and
            `who_fault` of each row

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
        result.pass_by(block)
        given = cells_of(block, file, kind, options.how, result.also)
        fault = fault_of(given, block.unreadable, options.codes)
        with record.write(keep=not options.check) as connection:
            hold(connection, f"import {kind.name}")  # beside another one, each is added once
            if same is None:
                outcome = apply(connection, given, fault, result, journal)
            else:
                one = _within(apply, connection, result, journal)
                outcome = apply_new(connection, same, block, given, fault, one)
        result.note(outcome, problems)
    if not options.check:
        count = sum(result.counts[name] for name in written)
        tell(record, clock, kind.name, file, options.by, result, patients=count)
        journal.end(record, clock, result)
    return result
