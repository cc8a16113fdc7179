"""A FHIR R4 server as a source: `[sources.NAME]` of type fhir."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from clinic.clock import Clock
from clinic.cohort.files.pages import sha256_of
from clinic.errors import SourceProblem, SourceRefused
from clinic.fhir.client import Token
from clinic.fhir.token import Login, token_of
from clinic.settings import ImportKind, SourceSettings
from clinic.sources.fhir import bulk, search
from clinic.sources.fhir.http import Server
from clinic.sources.fhir.people import Seen, ids_of
from clinic.sources.fhir.rows.parts import NOT_KNOWN, Context, Reader, Row, referred
from clinic.sources.fhir.rows.readers import READERS
from clinic.sources.kinds import in_order
from clinic.sources.source import Answer, Fetched
from clinic.sources.staged import Cells, write_staged

Page = list[dict[str, Any]]


@dataclass(frozen=True)
class FhirSource:
    """A FHIR server. zone: of the organisation, for what day it is."""

    name: str
    settings: SourceSettings
    clock: Clock
    zone: str

    def kinds(self) -> Sequence[ImportKind]:
        """Those of the settings."""
        return in_order(self.settings.kinds)

    def check(self, kind: ImportKind) -> Answer:
        """What the server says that it has, by its own count."""
        reader = READERS[kind]
        origin = ", ".join(reader.types)
        try:
            with self._server() as server:
                found = [search.count_of(server, each) for each in reader.types]
        except SourceProblem as problem:
            return Answer(kind, origin, problem=problem.says)
        counts = [total for total, _ in found if total is not None]
        newest = max((at for _, at in found if at), default=None)
        return Answer(kind, origin, sum(counts) if counts else None, newest, reader.columns)

    def fetch(
        self, kind: ImportKind, into: Path, *, since: datetime | None = None
    ) -> Iterator[Fetched]:
        """
        Every resource of the kind, or those that changed, as rows of one file.

        Of places, people who work there and groups always all: a row of theirs is made of several resources.
        All too where a server cannot tell what changed, or whose it is.
        """
        reader = READERS[kind]
        if since is not None and reader.bulk:
            with suppress(_NotByChanges):
                yield self._fetch(kind, into, since)
                return
        yield self._fetch(kind, into, None)

    def _fetch(self, kind: ImportKind, into: Path, since: datetime | None) -> Fetched:
        path, reader, asked_at = into / f"{kind}.parquet", READERS[kind], self.clock.now()
        try:
            with self._server() as server, closing(Seen(into)) as seen:
                reading = _Reading(server, seen, reader, self._context())
                by = reading.exported if self.settings.bulk and reader.bulk else reading.searched
                rows = write_staged(path, reader.columns, by(since))
        except SourceRefused as refused:
            if since is None or refused.code != "source-refused":
                raise
            path.unlink(missing_ok=True)
            raise _NotByChanges from None
        finally:
            (into / "seen.db").unlink(missing_ok=True)
        left = dict(reading.context.left_out)
        return Fetched(
            kind=kind, path=path, rows=rows, sha256=sha256_of(path), origin=", ".join(reader.types),
            # What a server answers is so when it is asked, however long ago somebody wrote there
            newest=reading.newest if reading.of_export else asked_at,
            whole=since is None, left_out=left, pending=left.get(NOT_KNOWN, 0), changed=reading.changed,
        )  # fmt: skip

    def done(self, fetched: Fetched) -> None:
        """Nothing: a server gives its resources again."""

    def _context(self) -> Context:
        today = self.clock.now().astimezone(ZoneInfo(self.zone)).date()
        return Context(self.settings.id_system, today)

    @contextmanager
    def _server(self) -> Iterator[Server]:
        with closing(Server(self.name, self.settings, self.clock, self._token())) as server:
            yield server

    def _token(self) -> Token:
        own = self.settings
        login = Login(
            own.url.get_secret_value(), own.client_id, own.key_file, own.key_id, own.token_url, own.scope,
            own.wait_seconds, own.authority_file,
        )  # fmt: skip
        return token_of(own.token.get_secret_value(), login, self.clock)


class _NotByChanges(Exception):  # no fault: all is asked for then
    """The server refuses to be asked for changes, or for the patients whom they are of."""


@dataclass
class _Reading:
    """One fetch. newest: when the export was made; changed: the newest `meta.lastUpdated` of what came."""

    server: Server
    seen: Seen
    reader: Reader
    context: Context
    newest: datetime | None = None
    of_export: bool = False
    changed: datetime | None = None

    def searched(self, since: datetime | None) -> Iterator[Cells]:
        for kind in self.reader.types:
            for page in search.pages(self.server, kind, self.seen, since=since):
                self._look_up(page)
                yield from self._cells(page)

    def exported(self, since: datetime | None) -> Iterator[Cells]:
        about = self.reader.types != ("Patient",)
        kinds = [*(["Patient"] if about else []), *self.reader.types]
        found = bulk.export(self.server, kinds, since=since)
        self.newest, self.of_export = found.at, found.at is not None
        if about:
            for page in bulk.resources(self.server, found, "Patient"):
                self._know(page)
        for kind in self.reader.types:
            for page in bulk.resources(self.server, found, kind):
                new = self.seen.new([f"{kind}/{each['id']}" for each in page])
                fresh = [each for each, is_new in zip(page, new, strict=True) if is_new]
                # Not every server that exports can be searched: who is not in the export stays unknown then,
                # unless all patients can be had, which an export of changes does not have
                with nullcontext() if since else suppress(SourceRefused):
                    self._look_up(fresh)
                yield from self._cells(fresh)
        yield from self._gone(found)
        self.server.delete(found.job)

    def _gone(self, found: bulk.Export) -> Iterator[Cells]:
        rows: list[Row] = []
        for kind, key in bulk.deleted(self.server, found):
            if kind not in self.reader.types:
                continue
            if self.reader.gone is None:
                self.context.left_out["deleted there"] += 1
            else:
                rows.append(self.reader.gone(key))
        if rows:
            yield list(zip(*rows, strict=True))

    def _cells(self, page: Page) -> Iterator[Cells]:
        asked = [referred(each, "Patient") for one in page for each in self.reader.about(one)]
        self.context.whose = self.seen.whose(asked)
        rows: list[Row] = []
        known = [at for at in map(search.updated, page) if at is not None]
        self.changed = max([*known, *([self.changed] if self.changed else [])], default=None)
        for resource in page:
            found = self.reader.read(resource, self.context)
            if isinstance(found, str):
                self.context.left_out[found] += 1
            else:
                rows += found
        if rows:
            yield list(zip(*rows, strict=True))

    def _look_up(self, page: Page) -> None:
        """Ask for the patients that the page names and that are not known yet."""
        asked = {referred(each, "Patient") for one in page for each in self.reader.about(one)}
        unknown = sorted(asked - self.seen.whose(asked).keys() - {""})
        self._know(list(search.by_id(self.server, "Patient", unknown)))

    def _know(self, patients: Page) -> None:
        own = self.context.own_system
        self.seen.know((str(each["id"]), ids_of(each, own)) for each in patients)
