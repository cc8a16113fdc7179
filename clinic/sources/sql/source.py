"""A database as a source (type sql): a query file per kind; every other one is a cohort's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from clinic.cohort.files.pages import sha256_of
from clinic.errors import SourceProblem, SourceRefused
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
        """The rows of the kind's query; of one that has a parameter `:since`, those from then on."""
        query = read_query(self._folder, kind, self.name)
        path, rows, newest = self._stage(query, into / f"{kind}.parquet", since=since)
        yield Fetched(
            kind=kind, path=path, rows=rows, newest=newest, sha256=sha256_of(path), origin=f"{kind}.sql",
            whole=since is None or not query.asks_since,
        )  # fmt: skip

    def fetch_cohort(self, query: str, into: Path) -> Path:
        """
        The rows of a cohort's query, in a file of its name: by that the list is known.

        Raises:
            SourceProblem: there is no such query, or it gives nothing that can be used
        """
        asked = read_query(self._folder, query, self.name)
        path, _, _ = self._stage(asked, into / f"{query}.sql")
        return path

    def done(self, fetched: Fetched) -> None:
        """Nothing: a query gives its rows again."""

    def _stage(
        self, query: Query, path: Path, *, since: datetime | None = None
    ) -> tuple[Path, int, datetime | None]:
        with self._rows(query, since) as rows:
            count = write_staged(path, rows.columns, rows.blocks())
            return path, count, rows.newest

    @contextmanager
    def _rows(self, query: Query, since: datetime | None = None) -> Iterator[Rows]:
        from clinic.sources.sql.engines import READS_ALONE, reading

        url, seconds = self.settings.url.get_secret_value(), self.settings.timeout_seconds
        with reading(self.name, url, seconds) as connection:
            if query.says_to_write and connection.dialect.name not in READS_ALONE:
                raise SourceRefused(
                    "source-query",
                    f"source {self.name}: query {query.name}: it has a word that changes data, and this "
                    "database cannot be told to let nothing be changed: write one SELECT",
                )
            rows = Rows(self.name, query, connection, seconds, self.zone, since)
            with closing(rows):
                yield rows
