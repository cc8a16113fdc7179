"""
Why the record database could not be used, as a sentence that says what to do.

Not an error of the program: a full disk, a database that is down, away or has no connection left, a file that
may not be written. What was sent until then is in the ledger; run again, everything carries on.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.errors import RecordUnsafe

_AGAIN: Final = "Nothing is lost: run it again then, and it carries on"
# {}: where, as a path
_FULL: Final = "no room is left on the disk of {}: make room there. " + _AGAIN
_READ_ONLY: Final = (
    "{} cannot be written: look whose file it is and how its disk is mounted. " + _AGAIN
)
_SERVER_FULL: Final = "no room is left on the database server's disk: make room there. " + _AGAIN
_SERVER_READ_ONLY: Final = (
    "the database server takes no change (read-only: a standby, or default_transaction_read_only): let it "
    "take them, or name the server that does in record_url. " + _AGAIN
)
_BUSY: Final = (
    "the database server has no connection left for us: end some, or raise max_connections. "
)
_FAULT: Final = (
    "the disk of {} reports errors: look at it before anything else; the runbook says how to go on"
)
_REFUSED: Final = (
    "the database server refuses us: look at user, password and database of record_url. "
    "Nothing was done"
)
_AWAY: Final = "the record database does not answer: see that its server runs and can be reached. "

# These end by themselves: a task may be tried again
PASSING: Final = frozenset({"record-away", "record-busy", "record-locked"})

# What SQLite says → the code and the sentence
_SQLITE: Final = (
    ("database or disk is full", "disk-full", _FULL),
    ("attempt to write a readonly database", "record-read-only", _READ_ONLY),
    ("unable to open database file", "record-read-only", _READ_ONLY),
    ("disk I/O error", "disk-fault", _FAULT),
    (
        "database is locked",
        "record-locked",
        "another program holds the record for too long. " + _AGAIN,
    ),
)
# What PostgreSQL says where a connection was not made: there is no state then
_CONNECTING: Final = (
    ("too many clients", "record-busy", _BUSY + _AGAIN),
    ("connection slots", "record-busy", _BUSY + _AGAIN),
    ("too many connections", "record-busy", _BUSY + _AGAIN),
    ("starting up", "record-away", _AWAY + _AGAIN),
    ("shutting down", "record-away", _AWAY + _AGAIN),
    ("FATAL:", "record-refused", _REFUSED),
)
# SQLSTATE of PostgreSQL, or its class
_POSTGRESQL: Final = (
    ("53100", "disk-full", _SERVER_FULL),
    ("53300", "record-busy", _BUSY + _AGAIN),
    ("25006", "record-read-only", _SERVER_READ_ONLY),
    ("57P", "record-away", _AWAY + _AGAIN),
    ("08", "record-away", _AWAY + _AGAIN),
)


# A write needs about so much; a disk with less is full, whatever the error says of it
_ROOM: Final = 1 << 20
# The files of the records that this process has opened: SQLite's errors do not say of which they are
_files: dict[Path, None] = {}


def note_file(path: Path) -> None:
    """This is a record's file: of it errors speak."""
    _files.pop(path, None)
    _files[path] = None  # the last one


def outage(error: BaseException) -> RecordUnsafe | None:
    """
    The same error as a fact for people; None: it is another one.

    Looks through what an error was raised from: a driver's is within SQLAlchemy's.
    """
    seen: BaseException | None = error
    while seen is not None:
        found = _of_disk(seen) or _of_database(seen)
        if found is not None:
            return found
        seen = seen.__cause__
    return None


def full_disk() -> RecordUnsafe | None:
    """The same where nothing has failed yet: a record of this process whose disk has no room left."""
    full = next(filter(_is_full, _files), None)
    return None if full is None else RecordUnsafe("disk-full", _FULL.format(full))


def _of_disk(error: BaseException) -> RecordUnsafe | None:
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RecordUnsafe("disk-full", _FULL.format(_where(error.filename)))
    if error.errno == errno.EROFS:
        return RecordUnsafe("record-read-only", _READ_ONLY.format(_where(error.filename)))
    return None


def _where(name: object = None) -> str:
    """The file that the error names; else a place of ours without room, else the record's."""
    if isinstance(name, str | os.PathLike):
        return os.fspath(name)
    places = [*reversed(_files), Path(), Path(tempfile.gettempdir())]
    return str(next((place for place in places if _is_full(place)), places[0]).absolute())


def _is_full(place: Path) -> bool:
    try:
        return shutil.disk_usage(place if place.is_dir() else place.parent).free < _ROOM
    except OSError:
        return False


def _of_sqlite(text: str) -> RecordUnsafe | None:
    for part, code, says in _SQLITE:
        if part in text:
            if code == "disk-fault" and any(map(_is_full, _files)):
                code, says = "disk-full", _FULL  # its index in shared memory found no room
            return RecordUnsafe(code, says.format(_where()))
    return None


def _of_database(error: BaseException) -> RecordUnsafe | None:
    if not isinstance(error, sa.exc.DBAPIError) or error.orig is None:
        return None
    state = getattr(error.orig, "sqlstate", None)
    for start, code, says in _POSTGRESQL:
        if state and state.startswith(start):
            return RecordUnsafe(code, says)
    text = str(error.orig)
    if not hasattr(error.orig, "pgconn"):
        return _of_sqlite(text)
    for part, code, says in _CONNECTING:
        if part in text:
            return RecordUnsafe(code, says)
    # A server that is not there has no state to tell; psycopg's own errors of connecting have none
    away = (
        isinstance(error, sa.exc.OperationalError)
        and state is None
        and hasattr(error.orig, "pgconn")
    )
    return (
        RecordUnsafe("record-away", _AWAY + _AGAIN)
        if away or error.connection_invalidated
        else None
    )
