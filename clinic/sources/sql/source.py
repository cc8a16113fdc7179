"""A database as a source (type sql): a query file per kind; every other one is a cohort's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clinic.cohort.files.pages import sha256_of
from clinic.errors import SourceProblem
from clinic.settings import ImportKind, SourceSettings
from clinic.sources.kinds import ORDER, in_order
from clinic.sources.source import Answer, Fetched
from clinic.sources.sql.query import Query, query_names, read_query
from clinic.sources.sql.rows import Rows
from clinic.sources.staged import write_staged


@dataclass(frozen=True)
class SqlSource:
    """A database. zone: of its times without an offset."""

    name: str
    settings: SourceSettings
    zone: str

    @property
    def _folder(self) -> Path:
        return Path(self.settings.queries)

    def kinds(self) -> Sequence[ImportKind]:
        """Those that have a query file of their name."""
        return in_order(query_names(self._folder, self.name))

    def cohorts(self) -> Sequence[str]:
        """The queries that give a cohort: all that are no kind's."""
        return [name for name in query_names(self._folder, self.name) if name not in ORDER]

    def check(self, kind: ImportKind) -> Answer:
        """Runs the query and counts its rows; none is kept."""
        return self.check_query(kind)

    def check_query(self, name: str) -> Answer:
        """The same of a cohort's query."""
        try:
            with self._rows(read_query(self._folder, name, self.name)) as rows:
                count = sum(len(cells[0]) for cells in rows.blocks())
                return Answer(name, f"{name}.sql", count, rows.newest, rows.columns)
        except SourceProblem as problem:
            return Answer(name, f"{name}.sql", problem=problem.says)

    def fetch(
        self, kind: ImportKind, into: Path, *, since: datetime | None = None
    ) -> Iterator[Fetched]:
        """The rows of the kind's query, all of them: a query says itself from when on."""
        path, rows, newest = self._stage(kind, into / f"{kind}.parquet")
        yield Fetched(
            kind=kind, path=path, rows=rows, newest=newest, sha256=sha256_of(path), origin=f"{kind}.sql"
        )  # fmt: skip

    def fetch_cohort(self, query: str, into: Path) -> Path:
        """
        The rows of a cohort's query, in a file of its name: by that the list is known.

        Raises:
            SourceProblem: there is no such query, or it gives nothing that can be used
        """
        path, _, _ = self._stage(query, into / f"{query}.sql")
        return path

    def done(self, fetched: Fetched) -> None:
        """Nothing: a query gives its rows again."""

    def _stage(self, name: str, path: Path) -> tuple[Path, int, datetime | None]:
        with self._rows(read_query(self._folder, name, self.name)) as rows:
            count = write_staged(path, rows.columns, rows.blocks())
            return path, count, rows.newest

    @contextmanager
    def _rows(self, query: Query) -> Iterator[Rows]:
        from clinic.sources.sql.engines import reading

        url, seconds = self.settings.url.get_secret_value(), self.settings.timeout_seconds
        with reading(self.name, url, seconds) as connection:
            rows = Rows(self.name, query, connection, seconds, self.zone)
            with closing(rows):
                yield rows
