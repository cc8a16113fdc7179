"""Whether a record has the tables that this code expects, told without Alembic, whose import costs 0.2 s."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.errors import NotSetUp, RecordUnsafe
from clinic.record.database import Record

_LINKS: Final = Path(__file__).parent / "migrations" / "versions"
_NAMED: Final = re.compile(r'^(down_)?revision = "(\w+)"', re.MULTILINE)


# Alembic's own table: one row, the version
_VERSION: Final = sa.table("alembic_version", sa.column("version_num"))


@functools.cache
def current() -> str:
    """The last link of the migrations' chain: the one that no other follows. Read from the files, in 1 ms."""
    found = [
        match.groups()
        for path in _LINKS.glob("v*.py")
        for match in _NAMED.finditer(path.read_text(encoding="utf-8"))
    ]
    followed = {name for down, name in found if down}
    (last,) = {name for down, name in found if not down} - followed
    return last


def require_current(record: Record) -> None:
    """
    Refuse a database whose tables are of another version of this code.

    Raises:
        NotSetUp: it has no tables at all
        RecordUnsafe: with the command that mends it
    """
    with record.read() as connection:
        found = None
        if sa.inspect(connection).has_table(_VERSION.name):
            found = connection.scalar(sa.select(_VERSION.c.version_num))
    if found is None:
        raise NotSetUp(
            "not-set-up",
            "this installation is not set up yet, so nothing was done; run: cohort init",
        )
    if found != current():
        raise RecordUnsafe(
            "record-version",
            f"the record database is at version {found or 'none'}, this program needs {current()}; "
            "run: cohort init",
        )
