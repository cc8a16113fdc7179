"""
An import from a source, step by step: fetched into a private folder, tried, imported, put away.

    fetch ─► try_out ─► import_given ─► the source puts it away

Each step is noted in `sync_run`, so that what happened at night is seen in the morning. Nothing is locked and
no transaction is open while the source is asked. Killed anywhere, it is run again: what was imported changes
nothing a second time.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.files import ListFile
from clinic.errors import MendableError, SourceProblem, SourceRefused
from clinic.imports.consents.reading import ID_OF_NOBODY, IDS_OF_TWO
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Complete, Options, complete_of
from clinic.imports.result import Imported
from clinic.imports.who import IDS_DIFFER, NOT_FOUND
from clinic.message.reminders.stale import wake_held
from clinic.record.database import Record
from clinic.record.systems.sync_runs import (
    FAILED,
    IMPORTED,
    begin_run,
    forget_marks,
    is_overtaken,
    last_as_of,
    last_runs,
    note_run,
)
from clinic.settings import ImportKind, Settings
from clinic.sources.choose import open_source, source_names
from clinic.sources.kinds import ORDER
from clinic.sources.since import asked_of, digest_of_ids, since_of
from clinic.sources.source import Fetched, said_of
from clinic.sources.staging import begin_staging, end_staging

_LONGEST: Final = 1_000  # characters of what is kept of a run
# Rows that would come to something as soon as an id is here, or is corrected
_OF_IDS: Final = (NOT_FOUND, IDS_DIFFER, ID_OF_NOBODY, IDS_OF_TWO, "own_id_differs", "own_id_zeros")


@dataclass(frozen=True)
class Step:
    """One kind of one source."""

    source: str
    kind: ImportKind


@dataclass(frozen=True)
class Given:
    """
    What a source gave of a kind, as files for our account alone.

    run: its number in `sync_run`
    before: when what was imported last was written, where these are changes to it
    """

    run: int
    step: Step
    folder: Path
    files: tuple[Fetched, ...]
    before: datetime | None = None

    @property
    def as_of(self) -> datetime | None:
        """When the newest of it was written; None: the source does not say. No changes make nothing fresh."""
        known = [each.newest for each in self.files if each.newest]
        return max([*known, *([self.before] if self.before else [])], default=None)

    @property
    def changed(self) -> datetime | None:
        """When anything of it was changed there last; None: nobody can tell."""
        return max((each.changed for each in self.files if each.changed), default=None)

    @property
    def whole(self) -> bool:
        """It is all that the source has, not changes alone."""
        return all(each.whole for each in self.files)


@dataclass(frozen=True)
class Tried:
    """What an import would do. counts: rows by outcome, and `no_longer_there`; no_number: share of patients."""

    rows: int
    counts: Mapping[str, int]
    no_number: float | None


def steps_of(
    record: Record, clock: Clock, settings: Settings, only: Collection[str] = ()
) -> list[Step]:
    """
    Every kind of every source, or of those named: patients of all of them before what is theirs.

    A source that cannot say what it gives is asked for what it gave before, so that its silence is noted.

    Raises:
        NotFound: there is no source of one of these names
    """
    found: list[Step] = []
    for name in only or source_names(settings):
        if name in settings.sources and settings.sources[name].type == "by_hand":
            continue
        try:
            kinds = open_source(settings, name, clock).kinds()
        except SourceProblem:
            kinds = _known(record, name)
        found += [Step(name, kind) for kind in kinds]
    return sorted(found, key=lambda step: ORDER.index(step.kind))


def _known(record: Record, name: str) -> tuple[ImportKind, ...]:
    with record.read() as connection:
        kinds = {run.kind for run in last_runs(connection) if run.source == name}
    return tuple(kind for kind in ORDER if kind in (kinds or {"appointments"}))


def fetch(record: Record, clock: Clock, settings: Settings, step: Step) -> Given:
    """
    Fetch a kind, all of it or what changed (since.py); noted as begun, or as failed with why.

    Raises:
        SourceProblem: the source gives nothing that can be used
    """
    with record.write() as connection:
        run = begin_run(connection, step.source, step.kind, clock.now())
    folder = begin_staging(settings.home, step.source)
    try:
        with noted(record, clock, run):
            source = open_source(settings, step.source, clock)
            asked = asked_of(settings, step.source, step.kind)
            with record.read() as connection:
                since = since_of(connection, settings, step.source, step.kind, asked, clock.now())
                before = last_as_of(connection, step.source, step.kind)
                ids = digest_of_ids(connection) if asked else None
            files = tuple(source.fetch(step.kind, folder, since=since))
    except BaseException:
        end_staging(folder)
        raise
    whole = all(each.whole for each in files)
    given = Given(run, step, folder, files, before if asked and not whole else None)
    values = {
        "as_of": given.as_of,
        "origin": ", ".join(map(said_of, files))[:_LONGEST],
        "sha256": files[0].sha256 if len(files) == 1 else "",
        "whole": whole,
        "asked": asked or None,
        "since": None if whole else since,
        "patients_to": ids,
    }
    with record.write() as connection:
        note_run(connection, run, **values)
    return given


def try_out(record: Record, clock: Clock, settings: Settings, given: Given, *, by: str) -> Tried:
    """
    What importing it would do, by a dry run of each file.

    Raises:
        MendableError: a file cannot be read; noted
    """
    counts: Counter[str] = Counter()
    rows = with_number = of_patients = 0
    with noted(record, clock, given.run):
        for fetched in given.files:
            opened = _open(settings, given.step, fetched.path)
            found = _import(record, clock, settings, given, opened, by=by, check=True)
            rows += found.rows
            counts += _counts(found)
            if "mobile" in opened.fields and given.step.kind == "patients":
                of_patients += opened.row_count
                with_number += _filled(opened, "mobile")
    share = 1 - with_number / of_patients if of_patients else None
    with record.write() as connection:
        note_run(connection, given.run, rows=rows, counts=dict(counts))
    return Tried(rows, counts, share)


def import_given(
    record: Record, clock: Clock, settings: Settings, given: Given, *, by: str,
    reached: Callable[[str], None] = lambda _: None,
) -> dict[str, int]:  # fmt: skip
    """
    Import what was fetched, let the source put it away, and note it; rows by outcome.

    Args:
        reached: told after each file, for tests that kill there

    Raises:
        MendableError: a file cannot be read, or is not put away, or a later run came before this one; noted
    """
    counts: Counter[str] = Counter()
    ahead: list[datetime] = []
    source_name, kind = given.step.source, given.step.kind
    with noted(record, clock, given.run):
        with record.read() as connection:
            _require_latest(connection, given)
        for fetched in given.files:
            opened = _open(settings, given.step, fetched.path)
            found = _import(record, clock, settings, given, opened, by=by, check=False)
            counts += _counts(found)
            ahead += [found.again_at] if found.again_at else []
            reached(fetched.origin)
        source = open_source(settings, given.step.source, clock)
        for fetched in given.files:
            source.done(fetched)
    with record.write() as connection:
        note_run(
            connection, given.run, state=IMPORTED, ended_at=clock.now(), counts=dict(counts),
            rows=sum(counts.values()) - counts["no_longer_there"],
            pending=sum(counts[code] for code in _OF_IDS) + sum(each.pending for each in given.files),
            again_at=min(ahead, default=None),
        )  # fmt: skip
        if is_overtaken(connection, source_name, kind, given.run):
            forget_marks(
                connection, kind, source=source_name
            )  # which of two rows came last is not known
        wake_held(connection)  # reminders that wait for it are looked at now
    end_staging(given.folder)
    return dict(counts)


def _require_latest(connection: Connection, given: Given) -> None:
    """A machine may have stood still since it fetched: older rows are not written over newer ones."""
    if is_overtaken(connection, given.step.source, given.step.kind, given.run):
        raise SourceRefused(
            "sync-overtaken",
            f"{given.step.kind} from {given.step.source}: a later run has been imported since this one fetched "
            "them, so that they are older than what is here. Nothing is to be done",
        )


def import_by_hand(
    record: Record, clock: Clock, kind: ImportKind, file: ListFile, options: Options
) -> Imported:
    """
    Import a file of a source (`options.source`) that a person has: it is as fresh as the file.

    What it says may be older than what was fetched: all is asked for afterwards, also where this is killed.

    Raises:
        ListRefused: the file changed while it was read; what was imported stays
    """
    source = options.source
    with record.write() as connection:
        forget_marks(connection, kind, source=source)
    result = run_import(record, clock, kind, file, options)
    if not result.refused:
        _note_by_hand(record, clock, source, kind, file, result)
    return result


def _note_by_hand(
    record: Record, clock: Clock, source: str, kind: ImportKind, file: ListFile, result: Imported
) -> None:  # fmt: skip
    now = clock.now()
    written = datetime.fromtimestamp(file.path.stat().st_mtime, UTC)
    with record.write() as connection:
        run = begin_run(connection, source, kind, now)
        note_run(
            connection, run, state=IMPORTED, ended_at=now, as_of=min(written, now), rows=result.rows,
            sha256=file.sha256, counts=dict(_counts(result)),
        )  # fmt: skip
        forget_marks(connection, kind, source=source)  # also of a night that came between
        wake_held(connection)


@contextlib.contextmanager
def noted(record: Record, clock: Clock, run: int) -> Iterator[None]:
    """What ends a step with a sentence is written to its run, so that a person finds it there."""
    try:
        yield
    except MendableError as error:
        with record.write() as connection:
            note_run(
                connection, run, state=FAILED, ended_at=clock.now(), code=error.code,
                says=error.says[:_LONGEST],
            )  # fmt: skip
        raise


def _open(settings: Settings, step: Step, path: Path) -> ListFile:
    how = settings.sources[step.source]
    return open_file(step.kind, path, how, scheme=settings.organisation.id_scheme)


def _import(
    record: Record, clock: Clock, settings: Settings, given: Given, file: ListFile, *, by: str, check: bool
) -> Imported:  # fmt: skip
    how = settings.sources[given.step.source]
    options = Options(
        by=by,
        source=given.step.source,
        zone=settings.organisation.time_zone,
        codes=settings.organisation.codes,
        how=how,
        check=check,
        complete=_complete(clock, settings, given),
        statuses=settings.organisation.statuses,
    )
    result = run_import(record, clock, given.step.kind, file, options)
    if result.refused:
        raise SourceRefused(
            "import-too-many-gone", f"{given.step.kind} from {given.step.source}: {result.refused}"
        )
    return result


def _complete(clock: Clock, settings: Settings, given: Given) -> Complete | None:
    """What it has all of; a source of changes alone, or one that comes in parts, has not all of anything."""
    how = settings.sources[given.step.source]
    if not given.whole or len(given.files) != 1:
        return None
    zone = ZoneInfo(how.time_zone or settings.organisation.time_zone)
    now = clock.now()
    today, written = (at.astimezone(zone).date() for at in (now, min(given.as_of or now, now)))
    usual = settings.imports.most_gone
    return complete_of(given.step.kind, how, usual, today=today, written=written)


def _counts(found: Imported) -> Counter[str]:
    gone = found.also["no_longer_there"] + found.also["moved_away"]
    return found.counts + Counter({"no_longer_there": gone})


def _filled(file: ListFile, name: str) -> int:
    head = file.fields[name]
    return sum(int((block.frame[head].str.strip() != "").sum()) for block in file.blocks())
