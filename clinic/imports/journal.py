"""What an import adds and changes, noted in the transaction that does it, so that it can be put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.imports.result import Imported
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.people import consent
from clinic.record.schema.systems.imports import import_added, import_change, import_run
from clinic.record.types import UtcDateTime

NOTED_BY_IMPORTS: Final = ("import", "code")  # the sources of decisions that imports noted
_ADDED = ("import_id", "table_name", "first_id", "last_id")
_CHANGED = ("import_id", "table_name", "row_id", "field", "patient_id", "old", "new")
_NOTE = sa.text(
    f"INSERT INTO import_change ({', '.join(_CHANGED)}) "  # noqa: S608  our own names
    f"VALUES ({', '.join(f':{name}' for name in _CHANGED)}) "
    "ON CONFLICT (import_id, table_name, row_id, field) DO UPDATE SET new = excluded.new"
)


@dataclass(frozen=True)
class Journal:
    """Of one import; `import_id` None: a dry run, of which nothing is noted."""

    import_id: int | None = None

    @classmethod
    def begin(
        cls, record: Record, clock: Clock, file: ListFile, *, kind: str, source: str, by: str
    ) -> Journal:
        """Of an import that begins now."""
        statement = (
            sa.insert(import_run)
            .values(
                kind=kind, source=source, sha256=file.sha256, rows=file.row_count,
                began_at=clock.now(), began_by=by,
            )
            .returning(import_run.c.id)
        )  # fmt: skip
        with record.write() as connection:
            return cls(int(connection.execute(statement).scalar_one()))

    def end(self, record: Record, clock: Clock, result: Imported) -> None:
        """It came to its end, with these counts; whether it changed anything is noted in `result`."""
        counts = orjson.dumps(dict(result.counts)).decode()
        statement = (
            sa.update(import_run)
            .where(import_run.c.id == self.import_id)
            .values(ended_at=clock.now(), counts=counts)
        )
        with record.write() as connection:
            connection.execute(statement)
            query = sa.select(did_something()).where(import_run.c.id == self.import_id)
            result.changed = bool(connection.scalar(query))

    @contextmanager
    def watch(self, connection: Connection) -> Iterator[None]:
        """
        Decisions that are added in the block, by a writer that does not say their ids.

        No other import adds any. What patients and staff say meanwhile is theirs.
        """
        c = consent.c
        before = connection.scalar(sa.select(sa.func.coalesce(sa.func.max(c.id), 0))) or 0
        yield
        if self.import_id is not None:
            query = sa.select(c.id).where(c.id > before, c.source.in_(NOTED_BY_IMPORTS))
            self.added(connection, consent, list(connection.scalars(query)))

    def more(self, record: Record) -> None:
        """It did something that cannot be taken back row by row."""
        statement = sa.update(import_run).where(import_run.c.id == self.import_id)
        with record.write() as connection:
            connection.execute(statement.values(more=True))

    def added(self, connection: Connection, table: Table, ids: Sequence[int]) -> None:
        """Rows with these ids are new."""
        if self.import_id is not None:
            ranges = ((self.import_id, table.name, *span) for span in _spans(ids))
            insert_rows(connection, import_added, _ADDED, ranges)

    def changed(
        self, connection: Connection, table: Table, before: pd.DataFrame, after: pd.DataFrame,
        fields: Iterable[str],
    ) -> None:  # fmt: skip
        """
        These rows are other now.

        Args:
            before, after: the same index; of `after` are read `id` and, but for a patient, `patient_id`
            fields: columns that may have changed
        """
        if self.import_id is None or after.empty:
            return
        ids = after["id"].tolist()
        named = "patient_id" in after
        patients = (
            after["patient_id"].tolist() if named else ids if table.name == "patient" else None
        )
        for name in fields:
            kind = table.c[name].type
            pairs = zip(before[name].tolist(), after[name].tolist(), strict=True)
            rows = [
                (self.import_id, table.name, int(ids[place]), name,
                 None if patients is None else int(patients[place]), old, new)
                for place, (one, other) in enumerate(pairs)
                if (old := as_text(one, kind)) != (new := as_text(other, kind))
            ]  # fmt: skip
            self.note(connection, rows)

    def note(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """
        The changes themselves; of a row and field that this import changed before, the first value stays.

        Args:
            rows: import, table, row, field, patient, old, new
        """
        values = [dict(zip(_CHANGED, row, strict=True)) for row in rows]
        if self.import_id is not None and values:
            connection.execute(_NOTE, values)


def did_something() -> sa.ColumnElement[bool]:
    """Of an `import_run`: it added or changed something."""
    of_run = import_run.c.id
    return sa.or_(
        import_run.c.more,
        import_run.c.values_gone_at.is_not(None),
        sa.exists().where(import_added.c.import_id == of_run),
        sa.exists().where(import_change.c.import_id == of_run),
    )


def _spans(ids: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Ranges of ids that follow each other."""
    first = last = None
    ordered = sorted({int(key) for key in ids})
    if ordered and ordered[-1] - ordered[0] == len(ordered) - 1:  # as new ones mostly are
        yield ordered[0], ordered[-1]
        return
    for each in ordered:
        if first is None or last is None:
            first = last = each
        elif each == last + 1:
            last = each
        else:
            yield first, last
            first = last = each
    if first is not None and last is not None:
        yield first, last


def as_text(value: Any, kind: sa.types.TypeEngine[Any]) -> str | None:
    """A value of a column as it is kept; None where there is none."""
    if value is None or value is pd.NaT or value != value or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(kind, sa.Boolean):
        return "1" if value else "0"
    return str(int(value)) if isinstance(kind, sa.Integer) else str(value)


def from_text(text: str | None, kind: sa.types.TypeEngine[Any]) -> Any:
    """What `as_text` made of."""
    if text is None:
        return None
    if isinstance(kind, UtcDateTime):
        return datetime.fromisoformat(text)
    if isinstance(kind, sa.Date):
        return date.fromisoformat(text)
    if isinstance(kind, sa.Boolean):
        return text == "1"
    return int(text) if isinstance(kind, sa.Integer) else text
