"""
Puts an import back, in this order:

    values that it changed    set to what they were, where they are what the import made of them
    rows that it took out     put in again (withdrawn opt-outs, members of groups)
    rows that it added        deleted, where nobody changed them since and nothing refers to them

What somebody changed since, or what is in use (a patient who was messaged), is left as it is, and listed by its
table and number. A part at a time is one transaction: killed, the same command goes on. A dry run does all of
it in one, and undoes that. The trail has who did it, and counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.imports.consents.held import ROW
from clinic.imports.journal import NOTED_BY_IMPORTS, from_text
from clinic.imports.same import forget_kind
from clinic.imports.undo.again import put_members, put_rows
from clinic.imports.undo.runs import get_run
from clinic.imports.undo.untouched import changed_by_others
from clinic.imports.undo.used import in_use
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema import METADATA
from clinic.record.schema.people import appointment, consent, group_member
from clinic.record.schema.systems.imports import import_added, import_change, import_run
from clinic.record.systems.sync_runs import forget_marks

MOST_LISTED: Final = 1_000
_PART: Final = 2_000
# Those that others refer to come last
_ORDER: Final = (
    "consent", "appointment", "diagnosis", "medication", "allergy", "patient_group", "patient",
    "provider", "facility",
)  # fmt: skip


@dataclass
class Undone:
    """
    What undoing an import did, or would do.

    counts: put_back, put_in_again, deleted, changed_since, in_use, as_before (undone already, or by hand)
    left: table, its row's number and why, of what was left as it is, the first 1,000
    """

    counts: Counter[str] = field(default_factory=Counter)
    left: list[tuple[str, int, str]] = field(default_factory=list)

    def leave(self, table: str, ids: list[int], why: str) -> None:
        """These rows are left as they are."""
        self.counts[why] += len(ids)
        room = MOST_LISTED - len(self.left)
        self.left += [(table, key, why) for key in ids[:room]]


def undo_import(record: Record, clock: Clock, number: int, *, by: str, check: bool) -> Undone:
    """
    Put an import back.

    Args:
        check: a dry run: say what would be done, and do nothing

    Raises:
        NotFound: there is no such import
        NotAllowed: a later import of the same kind is there that is not undone, or values that would be
            put back are gone, as their time was over
    """
    run = get_run(record, number)
    result = Undone()
    with record.read() as connection:
        _require_newest(connection, number, run.kind)
        _require_values(connection, number)
    if check:
        with record.write(keep=False) as connection:
            for part in _parts(record, number):
                part(connection, result)
        result.counts = +result.counts
        return result
    for part in _parts(record, number):
        with record.write() as connection:
            hold(connection, f"import {run.kind}")
            _require_values(connection, number)
            part(connection, result)
            forget_kind(connection, run.kind)  # what rows said is no more what the record has
            forget_marks(connection, run.kind)
    result.counts = +result.counts
    _end(record, clock, number, run.kind, by, result)
    return result


def _parts(record: Record, number: int) -> Iterator[Callable[[Connection, Undone], None]]:
    """What is to be done, in order."""
    for rows in _changes(record, number):
        yield partial(_put_back, rows=rows)
    for table, ids in _added(record, number):
        yield partial(_delete, table=table, ids=ids, number=number)


def _require_values(connection: Connection, number: int) -> None:
    """Once the first of its values went, it is not put back by halves: not even while the others go."""
    query = sa.select(import_run.c.values_gone_at).where(import_run.c.id == number)
    at = connection.scalar(query)
    if at is not None:
        raise NotAllowed(
            "import-values-gone",
            f"the old values of import {number} went on {at:%Y-%m-%d}, as their time was over "
            "(retention.import_months): it cannot be put back. Import a file that has what is right",
        )


def _require_newest(connection: Connection, number: int, kind: str) -> None:
    """Values are put back in the order in which they came: the newest first."""
    query = sa.select(sa.func.max(import_run.c.id)).where(
        import_run.c.kind == kind,
        import_run.c.undone_at.is_(None),
        sa.or_(
            import_run.c.values_gone_at.is_not(None),
            sa.exists().where(import_added.c.import_id == import_run.c.id),
            sa.exists().where(import_change.c.import_id == import_run.c.id),
        ),
    )
    last = connection.scalar(query)
    if last is not None and last > number:
        _require_values(connection, last)
        raise NotAllowed(
            "import-not-newest",
            f"import {last} of {kind} is newer and stands: put that back first, cohort imports undo {last}",
        )


def _changes(record: Record, number: int) -> Iterator[list[Any]]:
    """What it changed, a part at a time, in the order of the key."""
    c = import_change.c
    key = sa.tuple_(c.table_name, c.row_id, c.field)
    last: tuple[str, int, str] | None = None
    while True:
        query = sa.select(import_change).where(c.import_id == number)
        if last is not None:
            query = query.where(key > sa.tuple_(*(sa.literal(part) for part in last)))
        with record.read() as connection:
            rows = list(
                connection.execute(query.order_by(c.table_name, c.row_id, c.field).limit(_PART))
            )
        if not rows:
            return
        yield rows
        last = (rows[-1].table_name, rows[-1].row_id, rows[-1].field)


def _put_back(connection: Connection, result: Undone, *, rows: list[Any]) -> None:
    groups: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        groups.setdefault((row.table_name, row.field), []).append(row)
    for (name, column), some in groups.items():
        if name == group_member.name:
            put_members(connection, int(column), some, result.counts)
        elif column == ROW:
            put_rows(connection, METADATA.tables[name], some, result.counts)
        else:
            _values(connection, METADATA.tables[name], column, some, result)


def _values(
    connection: Connection, table: Table, name: str, rows: list[Any], result: Undone
) -> None:
    """Set a column to what it was, where it is what the import made of it."""
    column = table.c[name]
    query = sa.select(table.c.id, column).where(is_any_of(table.c.id, [row.row_id for row in rows]))
    now = dict(connection.execute(query.with_for_update()).tuples().all())
    old = {row.row_id: from_text(row.old, column.type) for row in rows}
    new = {row.row_id: from_text(row.new, column.type) for row in rows}
    there = [key for key in old if key in now]
    same = [key for key in there if now[key] == old[key]]
    back = [key for key in there if now[key] == new[key] and now[key] != old[key]]
    result.counts["as_before"] += len(same) + len(old) - len(there)
    result.counts["put_back"] += len(back)
    result.leave(table.name, sorted(set(there) - {*same, *back}), "changed_since")
    if not back:
        return
    values: dict[str, Any] = {name: sa.bindparam("old", type_=column.type)}
    if "version" in table.c:
        values["version"] = table.c.version + 1
    if name == "mobile":  # since when it is the patient's own is not known again (NEW-27)
        values["mobile_confirmed_on"] = None
    statement = sa.update(table).where(table.c.id == sa.bindparam("the_id")).values(values)
    connection.execute(statement, [{"the_id": key, "old": old[key]} for key in back])


def _added(record: Record, number: int) -> Iterator[tuple[Table, list[int]]]:
    """What it added, a part of a table at a time, in the order in which it may go."""
    added = import_added.c
    query = sa.select(added.table_name, added.first_id, added.last_id)
    with record.read() as connection:
        spans = connection.execute(query.where(added.import_id == number)).all()
    for name in _ORDER:
        for _, first, last in sorted(span for span in spans if span.table_name == name):
            for start in range(first, last + 1, _PART):
                yield METADATA.tables[name], list(range(start, min(start + _PART, last + 1)))


def _delete(
    connection: Connection, result: Undone, *, table: Table, ids: list[int], number: int
) -> None:
    """Delete these rows, but for those that somebody changed since, or that something refers to."""
    query = sa.select(table.c.id).where(is_any_of(table.c.id, ids))
    if table is consent:  # what a patient or staff said is no import's, whatever number it has
        query = query.where(table.c.source.in_(NOTED_BY_IMPORTS))
    if table is appointment:  # nor is what was booked here
        query = query.where(table.c.visit_plan_id.is_(None))
    there = set(connection.scalars(query.with_for_update()))
    result.counts["as_before"] += len(ids) - len(there)
    changed: set[int] = set()
    if "version" in table.c:
        changed = changed_by_others(connection, table, ids, number)
    used = in_use(connection, table, sorted(there - changed))
    result.leave(table.name, sorted(changed), "changed_since")
    result.leave(table.name, sorted(used), "in_use")
    gone = sorted(there - changed - used)
    connection.execute(sa.delete(table).where(is_any_of(table.c.id, gone)))
    result.counts["deleted"] += len(gone)


def _end(record: Record, clock: Clock, number: int, kind: str, by: str, result: Undone) -> None:
    counts = dict(result.counts)
    act = Act(
        operator=by,
        operation_type=f"{kind}.import-undone",
        subject="patients",
        patients_affected=counts.get("put_back", 0) + counts.get("deleted", 0),
        new_values={"import": number, **counts},
    )
    statement = sa.update(import_run).where(import_run.c.id == number)
    with record.write() as connection:
        connection.execute(statement.values(undone_at=clock.now(), undone_by=by))
        record_act(connection, clock, act)
