"""
Why the record database could not be used, as a sentence that says what to do.

Not a fault of the program: a full disk, a database that is down, away or has no connection left, a file that
may not be written. What was sent until then is in the ledger; run again, everything carries on.
"""

from __future__ import annotations

import errno
from typing import Final

import sqlalchemy as sa

from clinic.errors import RecordUnsafe

_AGAIN: Final = "Nothing is lost: run it again then, and it carries on"
_FULL: Final = (
    "no room is left on the disk that holds the record, its home or the file being written: make room. "
    + _AGAIN
)
_READ_ONLY: Final = (
    "the record or its home cannot be written: look whose files they are and how the disk is mounted. "
    + _AGAIN
)
_BUSY: Final = (
    "the database server has no connection left for us: end some, or raise max_connections. "
)
_FAULT: Final = (
    "the disk that holds the record reports errors: look at it before anything else; the runbook has the "
    "way on"
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
    ("53100", "disk-full", _FULL),
    ("53300", "record-busy", _BUSY + _AGAIN),
    ("25006", "record-read-only", _READ_ONLY),
    ("57P", "record-away", _AWAY + _AGAIN),
    ("08", "record-away", _AWAY + _AGAIN),
)


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


def _of_disk(error: BaseException) -> RecordUnsafe | None:
    if not isinstance(error, OSError):
        return None
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RecordUnsafe("disk-full", _FULL)
    return RecordUnsafe("record-read-only", _READ_ONLY) if error.errno == errno.EROFS else None


def _of_database(error: BaseException) -> RecordUnsafe | None:
    if not isinstance(error, sa.exc.DBAPIError) or error.orig is None:
        return None
    state = getattr(error.orig, "sqlstate", None)
    for start, code, says in _POSTGRESQL:
        if state and state.startswith(start):
            return RecordUnsafe(code, says)
    text = str(error.orig)
    for part, code, says in _CONNECTING if hasattr(error.orig, "pgconn") else _SQLITE:
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
