"""
The rows of a person, table by table as the catalogue says; counted, and erased in one transaction.

    rows_of(table, subject) ─► keys of each table ─► sealed: to govern/redact ─► deleted, or their values a stub

Rows of sealed tables stay, so that everything that is counted still adds up. What staff typed is looked through
for the person's numbers, addresses and name, and becomes a stub as a whole.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.clock import Clock
from clinic.govern.audit.tables import SEALED, Key, Row
from clinic.govern.redact.sealed import Decision, redact
from clinic.personal_data.catalogue import CATALOGUE, rows_of
from clinic.personal_data.erase.whom import Whom
from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Erasure, Kind, Rows
from clinic.personal_data.reach import ByWords, condition
from clinic.record.database import key_of
from clinic.record.schema import METADATA
from clinic.record.schema.change import WILL_CHANGE, operation_item
from clinic.record.schema.govern import ERASED, audit_act, audit_block
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import clinical_item

# Below every number that a patient, or staff of a notice, is known by: nobody's
NOBODY: Final = 10**15
# Not the person's own rows: words in them, and names that people gave to lists
_NAMED: Final = ("list_name", "file_name", "name", "criteria")
_NAMED_IN: Final = frozenset({"campaign", "cohort_list", "selection"})
Primary = tuple[Any, ...]


@dataclass
class Found:
    """Primary keys of a person's rows, a table each; and of rows whose words name them, a column each."""

    rows: dict[str, list[Primary]] = field(default_factory=dict)
    words: dict[tuple[str, str], list[Primary]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """How many rows of each table lose a value."""
        totals = {name: len(keys) for name, keys in self.rows.items()}
        for (name, _), keys in self.words.items():
            totals[name] = totals.get(name, 0) + len(keys)
        return {str(name): n for name, n in sorted(totals.items()) if n}  # no name of SQLAlchemy's


def find_rows(connection: Connection, whom: Whom) -> Found:
    """All rows that have something of this person, before anything is written."""
    found = Found()
    for held in CATALOGUE.values():
        if held.name not in METADATA.tables:
            continue
        if held.rows in (Rows.DELETE, Rows.EMPTY) or Erasure.UNNAME in held.erased.values():
            found.rows[held.name] = _keys(connection, held.table, rows_of(held.table, whom.subject))
        for name in _worded(held):
            has = condition(held.table, whom.words, {held.name: [ByWords(name)]})
            if keys := _keys(connection, held.table, has):
                found.words[held.name, name] = keys
    return found


def _worded(held: TableHeld) -> Iterator[str]:
    """Columns in which staff may have named them."""
    for name, kind in held.kinds.items():
        column = held.table.c[name]
        if not isinstance(column.type, sa.String):
            continue
        named = held.name in _NAMED_IN and name in _NAMED
        if kind is Kind.WORDS or named:
            yield name


def erase_rows(
    connection: Connection, clock: Clock, whom: Whom, found: Found, decision: Decision
) -> None:
    """Erase all of it in the caller's transaction, with an act in each chain that had sealed some of it."""

    def change(writing: Connection) -> None:
        take_out(writing, whom, found, decision)

    redact(
        connection, clock, decision, rows=_sealed(connection, found, whom),
        blocks=_blocks(connection, found, whom), change=change,
    )  # fmt: skip


def take_out(connection: Connection, whom: Whom, found: Found, decision: Decision) -> None:
    """The rows go, or their values become a stub, table by table as the catalogue says."""
    _same_errors(connection, whom)
    for table in reversed(METADATA.sorted_tables):
        if keys := found.rows.get(table.name):
            _erase(connection, CATALOGUE[table.name], keys, whom, decision)
    for (name, column), keys in found.words.items():
        table = METADATA.tables[name]
        for part in _parts(table, keys):
            connection.execute(sa.update(table).where(part).values({column: ERASED}))


def _erase(
    connection: Connection, held: TableHeld, keys: Sequence[Primary], whom: Whom, decision: Decision
) -> None:
    table = held.table
    for part in _parts(table, keys):
        if held.rows is Rows.DELETE:
            connection.execute(sa.delete(table).where(part))
            continue
        values = {
            name: value
            for name, one in held.held.items()
            for value in _value(table.c[name], one.erasure)
        }
        if table is list_row:
            _empty_cells(connection, part)
        elif values:
            connection.execute(sa.update(table).where(part).values(values))
        for name, how in held.erased.items():
            if how is Erasure.UNNAME:
                below = part & (table.c[name] < 0) & (table.c[name] > -NOBODY)
                nobody = -(NOBODY + decision.redaction_id)
                connection.execute(sa.update(table).where(below).values({name: nobody}))
            elif how is Erasure.HASH:
                _hash(connection, table, table.c[name], part)


def _value(column: sa.Column[Any], how: Erasure) -> Iterator[str | None]:
    if how is Erasure.NULL:
        yield None
    elif how is Erasure.STUB:
        if not isinstance(column.type, sa.String):
            raise TypeError(f"{column} can be no stub: the catalogue must say what it becomes")
        yield ERASED[: column.type.length]


def _empty_cells(connection: Connection, part: ColumnElement[bool]) -> None:
    """As many cells as the heading has, without anything in them: the row is still a row."""
    lists = connection.execute(
        sa.select(cohort_list.c.id, cohort_list.c["columns"]).where(
            cohort_list.c.id.in_(sa.select(list_row.c.list_id).where(part))
        )
    )
    for number, columns in lists.all():
        cells = orjson.dumps([""] * len(orjson.loads(columns))).decode()
        connection.execute(
            sa.update(list_row).where(part, list_row.c.list_id == number).values(cells=cells)
        )


def _hash(
    connection: Connection, table: sa.Table, column: sa.Column[Any], part: ColumnElement[bool]
) -> None:
    """A keyed hash in the place of an address: an objection still holds, and tells nobody's."""
    key = key_of(connection) or b"no key"
    for (address,) in connection.execute(sa.select(column).where(part).distinct()).all():
        if not address.startswith("hash:"):
            hashed = "hash:" + hmac.digest(key, address.lower().encode(), "sha256").hex()
            same = part & (column == address)
            connection.execute(sa.update(table).where(same).values({column.name: hashed}))


def _same_errors(connection: Connection, whom: Whom) -> None:
    """An item that says what the network said of this person's message says it no more."""
    ours = sa.select(message.c.id).where(message.c.patient_id.in_(whom.subject.keys))
    told = sa.select(message.c.id).where(message.c.told_by.in_(ours))
    connection.execute(
        sa.update(clinical_item).where(clinical_item.c.id.in_(told)).values(error_text=None)
    )


def _sealed(connection: Connection, found: Found, whom: Whom) -> Mapping[sa.Table, list[Key]]:
    """Keys of the rows that are sealed where they stand, as their tables are sealed."""
    keys: dict[sa.Table, set[Key]] = {}
    every = [*found.rows.items(), *((name, rows) for (name, _), rows in found.words.items())]
    for name, rows in every:
        spec = SEALED.get(name)
        if isinstance(spec, Row) and rows:
            place = [c.name for c in spec.table.primary_key].index(spec.key)
            keys.setdefault(spec.table, set()).update(row[place] for row in rows)
    strangers = [key for key in whom.subject.keys if key < 0]
    of = sa.select(recipient.c.campaign_id).where(recipient.c.patient_id.in_(strangers)).distinct()
    if campaigns := set(connection.scalars(of)):
        keys[recipient] = campaigns
    return {table: sorted(some, key=str) for table, some in keys.items()}


def _blocks(connection: Connection, found: Found, whom: Whom) -> set[tuple[str, int]]:
    """Blocks whose own rows change: of operations, and of acts with a reason that names the person."""
    i, b = operation_item.c, audit_block.c
    stream = sa.literal("operation-", sa.Text) + sa.cast(i.operation_id, sa.Text)
    changed = connection.execute(
        sa.select(b.stream, b.number)
        .join(
            operation_item,
            (b.stream == stream) & i.patient_id.between(b.first_patient, b.last_patient),
        )
        .where(b.holds == "items", i.patient_id.in_(whom.subject.keys), i.outcome == WILL_CHANGE)
        .distinct()
    )
    acts = found.words.get((audit_act.name, "reason"), [])
    return {(row[0], row[1]) for row in (*changed, *acts)}


def _keys(connection: Connection, table: sa.Table, where: ColumnElement[bool]) -> list[Primary]:
    found = connection.execute(
        sa.select(*table.primary_key).where(where).order_by(*table.primary_key)
    )
    return [tuple(row) for row in found]


_PART: Final = 200


def _parts(table: sa.Table, keys: Sequence[Primary]) -> Iterator[ColumnElement[bool]]:
    """Those rows, some at a time."""
    columns = list(table.primary_key)
    for start in range(0, len(keys), _PART):
        some = keys[start : start + _PART]
        if len(columns) == 1:
            yield columns[0].in_([key[0] for key in some])
        else:
            yield sa.tuple_(*columns).in_(some)
