"""The files by which a home knows its record: `installation.json`, and a note of each process."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import orjson

from clinic.record.private import close_folder


def read(home: Path) -> dict[str, str] | None:
    """Which record and which machine this home knows; None: it knows none."""
    path = _path(home)
    known: dict[str, str] | None = orjson.loads(path.read_bytes()) if path.exists() else None
    return known


def write(home: Path, seen: dict[str, str]) -> None:
    """This is the record and the machine from now on."""
    close_folder(home)
    # A draft of one's own: two that begin at once would take the same one away from each other
    with tempfile.NamedTemporaryFile(dir=home, suffix=".part", delete=False) as draft:
        draft.write(orjson.dumps(seen))
    Path(draft.name).replace(_path(home))


def write_if_new(home: Path, seen: dict[str, str]) -> None:
    """The same, where there is none yet."""
    if not _path(home).exists():
        write(home, seen)


def notes(folder: Path) -> list[tuple[Path, str]]:
    """The processes' notes, newest first: where each is, and what it says."""
    found = []
    for path in folder.glob("*.last"):
        with contextlib.suppress(FileNotFoundError):  # another process that begins now forgot it
            found.append((path.stat().st_mtime_ns, path, path.read_text()))
    return [(path, text) for _, path, text in sorted(found, reverse=True)]


def _path(home: Path) -> Path:
    return home / "installation.json"
