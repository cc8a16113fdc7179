"""Runs a query and hands its rows out as texts, a block of columns at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from clinic.cohort.columns import heading_key
from clinic.cohort.files.text.exact import texts_of
from clinic.errors import SourceDown, SourceRefused
from clinic.sources.sql.engines import number_of
from clinic.sources.sql.query import Query
from clinic.sources.staged import Cells

_ROWS: Final = 5_000
_ENDED: Final = (1969, 3024, 20003)  # by its time-out: MariaDB's number, MySQL's, SQL Server's
_GONE: Final = (2006, 2013, 20006, 20047)  # the connection: MySQL's two, SQL Server's
# A column of when the row was last changed there: by it is known how fresh the whole is
_CHANGED: Final = frozenset(
    heading_key(name)
    for name in ("updated_at", "changed_at", "last_updated", "last_changed", "modified_at")
)


_EVER: Final = datetime(1900, 1, 2, tzinfo=UTC)  # SQL Server's datetime begins in 1753


@dataclass
class Rows:
    """What a query gives; `newest` is known once all blocks were taken. since: of a query that asks for it."""

    source: str
    query: Query
    connection: sa.Connection
    seconds: float
    zone: str
    since: datetime | None = None
    newest: datetime | None = None
    columns: Sequence[str] = field(init=False)
    _result: sa.CursorResult[Any] = field(init=False, repr=False)
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        """
        Run it.

        Raises:
            SourceRefused: it cannot be run, or two of its columns have one name
        """
        self._end = time.monotonic() + self.seconds
        try:
            self._result = self._run()
        except sa.exc.DBAPIError as error:
            raise self._failed(error) from None
        self.columns = tuple(self._result.keys()) if self._result.returns_rows else ()
        keys = {heading_key(name) for name in self.columns}
        if len(keys) != len(self.columns) or not keys:
            self.close()
            raise self._refused(
                "two of its columns have one name: name each with AS"
                if keys
                else "it gives no rows: write a SELECT"
            )

    def _run(self) -> sa.CursorResult[Any]:
        options: dict[str, Any] = {"stream_results": True, "max_row_buffer": _ROWS}
        if not self.query.asks_since:
            plain = self.connection.execution_options(**options, no_parameters=True)
            return plain.exec_driver_sql(self.query.sql)
        # Without an offset, as the times of the source are read (`zone`)
        at = (
            (self.since or _EVER)
            .astimezone(ZoneInfo(self.zone))
            .replace(tzinfo=None, microsecond=0)
        )
        # SQLite compares texts: no more of the time than its rows have
        is_text = self.connection.dialect.name == "sqlite"
        given: Any = at.isoformat(" ") if is_text else at
        kind: Any = sa.String() if is_text else sa.DateTime()
        asked = sa.text(self.query.escaped).bindparams(sa.bindparam("since", given, kind))
        return self.connection.execution_options(**options).execute(asked)

    def close(self) -> None:
        """Close the cursor; what was not taken is not fetched."""
        self._result.close()

    def blocks(self) -> Iterator[Cells]:
        """
        All rows, as texts.

        Raises:
            SourceDown: not in time, or the connection went
            SourceRefused: a value that no text says exactly, with its column
        """
        while True:
            if time.monotonic() > self._end:
                raise self._too_long()
            try:
                rows = self._result.fetchmany(_ROWS)
            except sa.exc.DBAPIError as error:
                raise self._failed(error) from None
            if not rows:
                return
            columns = list(zip(*rows, strict=True))
            self._note_newest(columns)
            yield [
                self._texts(name, each) for name, each in zip(self.columns, columns, strict=True)
            ]

    def _texts(self, column: str, values: Sequence[object]) -> list[str]:
        try:
            return texts_of(values)
        except ValueError as fault:
            raise self._refused(f"column {column!r}: {fault}") from None

    def _note_newest(self, columns: Sequence[Sequence[object]]) -> None:
        for name, values in zip(self.columns, columns, strict=True):
            if heading_key(name) not in _CHANGED:
                continue
            for value in values:
                if (at := self._instant(name, value)) is not None:
                    self.newest = max(self.newest or at, at)

    def _instant(self, column: str, value: object) -> datetime | None:
        """When a row was changed; of a database without times, as SQLite is, as text."""
        if value is None or value == "":
            return None
        try:
            at = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            raise self._refused(
                f"column {column!r} says when rows were changed, and has a value that is no time: write it as "
                "2026-03-02 09:30:00, or call it otherwise"
            ) from None
        return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.zone))).astimezone(UTC)

    def _failed(self, error: sa.exc.DBAPIError) -> SourceDown | SourceRefused:
        # What the database says may quote a patient's value: its kind and code alone are told
        state = str(getattr(error.orig, "sqlstate", None) or "")
        name = type(error.orig).__name__
        number = number_of(error)
        ended = state == "57014" or number in _ENDED or name == "InterruptException"
        if ended or "interrupted" in str(error.orig):
            return self._too_long()
        gone = error.connection_invalidated or number in _GONE
        if gone or state.startswith(("08", "57P")):
            return SourceDown(
                "source-down", f"source {self.source}: the database went away ({name})"
            )
        code = f" {state}" if state else ""
        return self._refused(
            f"the database refuses it ({name}{code}). Run it there by hand; it may only read"
        )

    def _too_long(self) -> SourceDown:
        return SourceDown(
            "source-slow",
            f"source {self.source}: query {self.query.name} took longer than {self.seconds:g} seconds "
            "(timeout_seconds) and was ended",
        )

    def _refused(self, why: str) -> SourceRefused:
        return SourceRefused(
            "source-query", f"source {self.source}: query {self.query.name}: {why}"
        )
