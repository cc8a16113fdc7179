"""
Takes a list in: once, whole, with the original bytes' SHA-256 and every original row.

Whatever a cohort comes from (a file, a group, a filter, pasted ids), it becomes a `cohort_list` with
`list_row`s; from there on everything names it by its id. A file that was half imported when the
process died is carried on with at the first row that is missing.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from clinic.clock import Clock
from clinic.cohort.as_of import AsOf, Dating
from clinic.cohort.keeping import Keeping, Kept, without_others
from clinic.cohort.list_trail import tell_taken
from clinic.cohort.remarks import remarks_as_json
from clinic.errors import ListRefused
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.values.dates import Order, order_of, proven_orders

if TYPE_CHECKING:
    import pandas as pd

    from clinic.cohort.files import Block, ListFile
    from clinic.settings import Layout

T = TypeVar("T")


class _Known(NamedTuple):
    """The list that a request began, and what it was made of."""

    id: int
    source: str
    sha256: str
    criteria: str | None
    rows: int | None  # None: not imported to its end


_ROW_COLUMNS = ("list_id", "row_number", "unreadable", "cells")


def take_in_file(
    record: Record,
    clock: Clock,
    path: Path,
    *,
    request_key: str,
    name: str,
    scheme: Layout,
    taken_by: str,
    dating: Dating | None = None,
    keeping: Keeping | None = None,
) -> int:
    """
    Take a file in; the list's id. The same `request_key` again gives the same list.

    Args:
        dating: how the list is dated (NEW-29); None: by the file alone
        keeping: chooses the columns whose cells are kept (NEW-39); None: all of them

    Raises:
        ListRefused: the file cannot be read without losing somebody, or it changed since a first try
    """
    from clinic.cohort.files import open_list

    require_name(name)
    file = open_list(path, scheme=scheme)
    dating = dating or Dating()
    kept = keeping(file.columns, file.fields) if keeping else None

    def begin(connection: Connection) -> tuple[int, bool]:
        known = _known(connection, request_key)
        if known is None:
            return _insert(
                connection, clock, request_key=request_key, name=name, source="file",
                layout=file.layout, file_name=file.file_name, sha256=file.sha256, size=file.size,
                encoding=file.encoding, columns=file.columns, fields=file.fields, taken_by=taken_by,
                remarks=remarks_as_json(file.notices), as_of=dating.of_file(path, clock.now()),
                kept=kept and kept.as_json(),
            ), False  # fmt: skip
        _require_same(known, source="file", sha256=file.sha256)
        return known.id, known.rows is not None

    list_id, is_whole = _once(record, begin)
    if not is_whole:
        _fill(record, clock, list_id, file, dating, kept)
    return list_id


def _once(record: Record, begin: Callable[[Connection], T]) -> T:
    """Begin a list in a transaction. Who is beaten to it by a run of the same request finds that one's."""
    try:
        with record.write() as connection:
            return begin(connection)
    except IntegrityError:
        with record.write() as connection:
            return begin(connection)


def require_name(name: str) -> None:
    """
    PAT-6: a list has a name.

    Raises:
        ListRefused: it has none
    """
    if not name.strip():
        raise ListRefused(
            "list-name-missing", "give the list a name, for example --name 'Flu 2026'"
        )


def _known(connection: Connection, request_key: str) -> _Known | None:
    row = connection.execute(
        sa.select(*(cohort_list.c[name] for name in _Known._fields)).where(
            cohort_list.c.request_key == request_key
        )
    ).one_or_none()
    return None if row is None else _Known._make(row)


def _require_same(known: _Known, **asked: str) -> None:
    """
    A request key stands for one list.

    Raises:
        ListRefused: it was used for another one, or the file has changed since
    """
    if any(getattr(known, name) != value for name, value in asked.items()):
        raise ListRefused(
            "list-changed",
            f"this is not what the request began with (list {known.id}); start a new campaign",
        )


def _insert(
    connection: Connection,
    clock: Clock,
    *,
    columns: Sequence[str],
    fields: Mapping[str, str],
    as_of: AsOf | None,
    **values: Any,
) -> int:
    now = clock.now()
    dated = as_of or Dating().of_file(None, now)
    key = connection.execute(
        sa.insert(cohort_list)
        .values(
            **values,
            columns=orjson.dumps(list(columns)).decode(),
            fields=orjson.dumps(dict(fields)).decode(),
            taken_at=now,
            as_of=dated.day,
            as_of_from=dated.source,
        )
        .returning(cohort_list.c.id)
    ).scalar_one()
    return int(key)


def _fill(
    record: Record, clock: Clock, list_id: int, file: ListFile, dating: Dating, kept: Kept | None
) -> None:
    """Write the rows that are not there yet, a block a transaction, then say how many there are."""
    born = file.fields.get("birth_date")
    dated = dating.column_in(file.columns)
    proven: set[Order] = set()
    days: set[str] = set()
    left: Counter[int] = Counter()
    said: set[int] = set()
    used = [file.columns.index(heading) for heading in file.fields.values()]
    for block in file.blocks():
        if dated is not None:
            days.update(block.frame[dated].unique())
        if born is not None:
            proven |= proven_orders(block.frame[born].unique())
        frame = block.frame
        if kept is not None:
            frame, empty, some = without_others(frame, kept, used)
            left.update(empty)
            said |= some
        with record.write() as connection:
            last = _last_row(connection, list_id)
            insert_rows(connection, list_row, _ROW_COLUMNS, _rows_of(list_id, block, frame, last))
    order = order_of(file.layout, proven) if born is not None else None
    if kept is not None:
        kept = replace(kept, left=left, said=tuple(sorted(said)))
    _complete(record, clock, list_id, order, dating.oldest(days, clock.now()), kept)


def _last_row(connection: Connection, list_id: int) -> int:
    """How far the list is in; two runs of one request take turns."""
    connection.execute(
        sa.select(cohort_list.c.id).where(cohort_list.c.id == list_id).with_for_update()
    )
    last = sa.select(sa.func.max(list_row.c.row_number)).where(list_row.c.list_id == list_id)
    return int(connection.execute(last).scalar() or 0)


def _rows_of(
    list_id: int, block: Block, frame: pd.DataFrame, last: int
) -> Iterator[tuple[int, int, bool, str]]:
    numbers = frame.index.tolist()
    cells = frame.to_numpy(dtype=object).tolist()
    for number, bad, row in zip(numbers, block.unreadable.tolist(), cells, strict=True):
        if number > last:
            yield list_id, number, bad, orjson.dumps(row).decode()


def _complete(
    record: Record, clock: Clock, list_id: int, order: Order | None, own: AsOf | None,
    kept: Kept | None,
) -> None:  # fmt: skip
    """Say how many rows there are, and what day they name, once: whoever comes second finds it said."""
    known = {"as_of": own.day, "as_of_from": own.source} if own else {}
    if kept is not None:
        known["kept"] = kept.as_json()
    with record.write() as connection:
        count = (
            sa.select(sa.func.count()).select_from(list_row).where(list_row.c.list_id == list_id)
        ).scalar_subquery()
        done = connection.execute(
            sa.update(cohort_list)
            .where(cohort_list.c.id == list_id, cohort_list.c.rows.is_(None))
            .values(rows=count, date_order=order, **known)
        )
        if done.rowcount:
            tell_taken(connection, list_id, clock.now())


def take_in_ids(
    record: Record, clock: Clock, ids: Sequence[str], *, request_key: str, name: str, taken_by: str,
    as_of: AsOf | None = None,
) -> int:  # fmt: skip
    """
    Import pasted ids, each an NHS number or the practice's own id; the list's id.

    Row numbers count from 1: there is no heading. as_of: None: of today.
    """
    require_name(name)
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()

    def begin(connection: Connection) -> int:
        known = _known(connection, request_key)
        if known is not None:
            _require_same(known, source="ids", sha256=digest)
            return known.id
        list_id = _insert(
            connection, clock, request_key=request_key, name=name, source="ids", sha256=digest,
            columns=["id"], fields={"any_id": "id"}, taken_by=taken_by, rows=len(ids), as_of=as_of,
        )  # fmt: skip
        insert_rows(
            connection,
            list_row,
            _ROW_COLUMNS,
            ((list_id, n, False, orjson.dumps([x]).decode()) for n, x in enumerate(ids, start=1)),
        )
        tell_taken(connection, list_id, clock.now())
        return list_id

    return _once(record, begin)


def take_in_query(
    record: Record,
    clock: Clock,
    patients: sa.Select[tuple[int]],
    *,
    source: str,
    criteria: Mapping[str, Any],
    request_key: str,
    name: str,
    taken_by: str,
    as_of: AsOf | None = None,
) -> int:
    """
    Import the patients that a query finds (a group, a filter) as they are now; the list's id.

    Args:
        patients: selects one column, the patient's id
        source: "group" or "filter"
        criteria: what was asked for, in codes; kept with the list
        as_of: None: of today
    """
    require_name(name)
    asked = orjson.dumps(dict(criteria)).decode()

    def begin(connection: Connection) -> int:
        known = _known(connection, request_key)
        if known is not None:
            _require_same(known, source=source, criteria=asked)
            return known.id
        list_id = _insert(
            connection, clock, request_key=request_key, name=name, source=source, sha256="",
            columns=[], fields={}, criteria=asked, taken_by=taken_by, as_of=as_of,
        )  # fmt: skip
        found = patients.subquery()
        (key,) = found.c
        number = sa.func.row_number().over(order_by=key)
        connection.execute(
            sa.insert(list_row).from_select(
                ["list_id", "row_number", "patient_id", "cells"],
                sa.select(sa.literal(list_id), number, key, sa.literal("[]")),
            )
        )
        ids = sa.select(list_row.c.patient_id).where(list_row.c.list_id == list_id)
        digest, count = fingerprint(connection, ids.order_by(list_row.c.row_number))
        connection.execute(
            sa.update(cohort_list)
            .where(cohort_list.c.id == list_id)
            .values(sha256=digest, rows=count)
        )
        tell_taken(connection, list_id, clock.now())
        return list_id

    return _once(record, begin)


def fingerprint(connection: Connection, ids: sa.Select[Any]) -> tuple[str, int]:
    """SHA-256 over the ids that a query finds, in its order, and how many they are."""
    digest, count = hashlib.sha256(), 0
    found = connection.execute(ids.execution_options(yield_per=10_000)).scalars()
    for part in found.partitions():
        digest.update(",".join(map(str, part)).encode())
        count += len(part)
    return digest.hexdigest(), count
