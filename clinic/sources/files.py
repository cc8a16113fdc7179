"""
A folder that another system puts its exports into: the newest file of a kind, or all of them by number.

A file is copied before it is read, so that nothing changes under the importer; when it is imported it is
moved away by one rename. Killed anywhere, the file is in one of the two places, and is at most imported
again, which changes nothing.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from clinic.clock import Clock
from clinic.cohort.files.pages import sha256_of
from clinic.errors import ListRefused, SourceDown, SourceProblem, SourceRefused
from clinic.imports.kinds import open_file
from clinic.record.private import claim, close_folder
from clinic.settings import ImportKind, Layout, SourceSettings
from clinic.sources.kinds import in_order
from clinic.sources.source import Answer, Fetched

_SETTLED: Final = timedelta(seconds=60)
_UNFINISHED: Final = (".part", ".partial", ".tmp", ".filepart", ".crdownload")
_PIECE: Final = 1 << 20


@dataclass(frozen=True)
class FilesSource:
    """Files of a folder (`[sources.NAME]` of type files)."""

    name: str
    settings: SourceSettings
    clock: Clock
    scheme: Layout = "generic"

    def kinds(self) -> Sequence[ImportKind]:
        """Those that have a pattern."""
        return in_order(self.settings.patterns)

    def check(self, kind: ImportKind) -> Answer:
        """What is there, by name and time; rows and columns of the one that is imported first."""
        try:
            found = self._found(kind)
        except SourceProblem as problem:
            return Answer(kind, self.settings.patterns[kind], problem=problem.says)
        newest = max(map(_changed, found))
        names = found[0].name if len(found) == 1 else f"{len(found)} files, {found[0].name} first"
        try:
            opened = open_file(kind, found[0], self.settings, scheme=self.scheme)
        except ListRefused as refused:
            return Answer(kind, names, newest=newest, problem=refused.says)
        return Answer(kind, names, opened.row_count, newest, opened.columns)

    def fetch(
        self, kind: ImportKind, into: Path, *, since: datetime | None = None
    ) -> Iterator[Fetched]:
        """Copies of the files of a kind, in the order in which they are to be imported."""
        for path in self._found(kind):
            target = into / path.name
            yield Fetched(
                kind=kind,
                path=target,
                rows=None,
                newest=_changed(path),
                sha256=_copy(path, target),
                origin=path.name,
                whole=self.settings.take == "newest",
            )

    def done(self, fetched: Fetched) -> None:
        """Move the file away; one of the same name that came meanwhile stays."""
        folder = Path(self.settings.folder)
        path = folder / fetched.origin
        if not path.is_file() or sha256_of(path) != fetched.sha256:
            return
        away = folder / (self.settings.done or "done")
        close_folder(away)
        target = away / path.name
        if target.exists():  # the same name every night: none is written over
            target = away / f"{path.stem}-{self.clock.now():%Y%m%dT%H%M%S%f}{path.suffix}"
        try:
            path.rename(target)
        except OSError as error:
            raise SourceRefused(
                "source-folder",
                f"source {self.name}: {path.name} is imported and cannot be moved to {away}: "
                f"{error.strerror}. It must be a folder on the same disk that this account may write to",
            ) from None

    def _found(self, kind: ImportKind) -> list[Path]:
        """
        The files of a kind that are to be imported, in order.

        Raises:
            SourceRefused: none is there, or they are too old, or have no number to go by
            SourceDown: the newest is still being written to
        """
        pattern = self.settings.patterns[kind]
        found = self._matching(pattern)
        newest = max(found, key=lambda path: (_changed(path), path.name))
        age = self.clock.now() - _changed(newest)
        if age < _SETTLED:
            raise SourceDown(
                "source-unfinished",
                f"source {self.name}: {newest.name} was written to within the last minute and may not be "
                "whole: try again in a minute",
            )
        most = self.settings.oldest_hours
        if age > timedelta(hours=most):
            raise SourceRefused(
                "source-stale",
                f"source {self.name}: the newest file {pattern}, {newest.name}, is "
                f"{age.total_seconds() / 3600:,.0f} hours old; at most {most:g} are expected (oldest_hours). "
                "Look whether the other system still exports",
            )
        return sorted(found, key=self._number) if self.settings.take == "numbered" else [newest]

    def _matching(self, pattern: str) -> list[Path]:
        folder = Path(self.settings.folder)
        if "/" in pattern:
            raise SourceRefused(
                "source-folder",
                f"source {self.name}: the pattern {pattern} names a folder: write that as `folder`, and "
                "patterns of names alone",
            )
        if not folder.is_dir():
            raise SourceRefused(
                "source-folder",
                f"source {self.name}: there is no folder {folder} that this account may read: make it, or "
                f"correct folder in [sources.{self.name}]",
            )
        found = [
            path
            for path in folder.glob(pattern)
            if not path.name.startswith(".")
            and path.suffix.lower() not in _UNFINISHED
            and stat.S_ISREG(path.lstat().st_mode)
        ]
        if not found:
            raise SourceRefused(
                "source-no-file",
                f"source {self.name}: no file {pattern} is in {folder}: look whether the other system exports",
            )
        return found

    def _number(self, path: Path) -> int:
        if (found := re.search(r"\d+", path.name)) is None:
            raise SourceRefused(
                "source-no-number",
                f"source {self.name}: {path.name} has no number in its name, and take is numbered",
            )
        return int(found[0])


def _changed(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _copy(path: Path, target: Path) -> str:
    """
    Copy a file for our account alone; its SHA-256.

    Raises:
        SourceDown: it changed or went meanwhile
    """
    digest = hashlib.sha256()
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            before = os.fstat(file.fileno())
            with open(claim(target), "wb") as copy:
                while piece := file.read(_PIECE):
                    digest.update(piece)
                    copy.write(piece)
            after = path.stat()
    except OSError as error:
        raise SourceDown(
            "source-unfinished", f"{path.name} cannot be read: {error.strerror}"
        ) from None
    if any(
        getattr(before, name) != getattr(after, name)
        for name in ("st_size", "st_mtime_ns", "st_ino")
    ):
        raise SourceDown(
            "source-unfinished", f"{path.name} changed while it was copied: try again in a minute"
        )
    return digest.hexdigest()
