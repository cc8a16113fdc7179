"""
Which SQLite library the record is opened with: the one that Python links, or the one that pysqlite3 brings.

Many Pythons link a version that can lose committed writes in WAL mode. Where the linked one is free of that
it is used, and pysqlite3 is not even loaded (docs/decisions/0006-sqlite-of-our-own.md).
"""

from __future__ import annotations

import functools
import importlib
import sqlite3
from collections.abc import Callable
from types import ModuleType
from typing import Final

# Committed writes can be lost by a WAL reset before these (sqlite.org, 3.51.3 release notes). Each has all
# that the record's statements need, of which RETURNING is the youngest (3.35)
_WAL_SAFE: Final = {(3, 44): 6, (3, 50): 7, (3, 51): 3}
_SERIALIZED: Final = 3  # threads may share a connection: PEP 249's `threadsafety`


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite library's WAL mode keeps every committed write."""
    if version[:2] in _WAL_SAFE:
        return version[2] >= _WAL_SAFE[version[:2]]
    return version >= (3, 52, 1)


def is_good(version: tuple[int, int, int], threads: int) -> bool:
    """Whether a record may be opened with a library of this version, made for so many threads."""
    return wal_is_safe(version) and threads == _SERIALIZED


def choose(linked: ModuleType, brought: Callable[[], ModuleType]) -> ModuleType:
    """The linked library where it is good or all there is, else the one that is brought."""
    if is_good(linked.sqlite_version_info, linked.threadsafety):
        return linked
    try:
        return brought()
    except (
        ImportError
    ):  # no wheel for this machine: the record uses a rollback journal (clinic/record/database.py)
        return linked


@functools.cache
def library() -> ModuleType:
    """The library of this process: one, since two that have the same file open undo each other's locks."""
    return choose(sqlite3, lambda: importlib.import_module("pysqlite3"))
