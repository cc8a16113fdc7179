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
def _links() -> dict[str, str | None]:
    """Each link of the migrations' chain, with the one before it. Read from the files, in 1 ms."""
    found: dict[str, str | None] = {}
    for path in _LINKS.glob("v*.py"):
        named = dict(_NAMED.findall(path.read_text(encoding="utf-8")))
        found[named[""]] = named.get("down_")
    return found


def current() -> str:
    """The last link of the chain: the one that no other follows."""
    (last,) = set(_links()) - set(_links().values())
    return last


def first() -> str:
    """The first link of the chain, with which a record begins; who is older than that is of no release."""
    (found,) = (name for name, before in _links().items() if before is None)
    return found


def known() -> frozenset[str]:
    """Every version that this program can work with, or bring to its own."""
    return frozenset(_links())


def is_older_than_all(version: str) -> bool:
    """Whether a version is of before the first that this program knows: versions are numbers that rise."""
    return version not in known() and version < first()


def found_version(record: Record) -> str | None:
    """The version that the database's tables are of; None: it has none."""
    with record.read() as connection:
        if not sa.inspect(connection).has_table(_VERSION.name):
            return None
        return connection.scalar(sa.select(_VERSION.c.version_num))


def require_known(found: str | None) -> None:
    """
    Refuse tables that a newer program made, and those of before the first version that is known here.

    Raises:
        RecordUnsafe: with what to do
    """
    if found is not None and is_older_than_all(found):
        raise RecordUnsafe(
            "record-version",
            f"an earlier Cohort made this record (version {found}) and this one upgrades those of version "
            f"{first()} and later, so nothing was done: bring it to version {first()} with the program that "
            "docs/running.md names under Upgrade, then run this one's cohort init",
        )
    if found is not None and found not in known():
        raise RecordUnsafe(
            "record-version",
            f"a newer Cohort made this record (version {found}; this one knows {current()}), so nothing was "
            "done: use the newer program, or restore the copy from before the upgrade",
        )


def require_current(record: Record) -> None:
    """
    Refuse a database whose tables are of another version of this code.

    Raises:
        NotSetUp: it has no tables at all
        RecordUnsafe: with the command that fixes it
    """
    found = found_version(record)
    require_known(found)
    if found is None:
        raise NotSetUp(
            "not-set-up",
            "this installation is not set up yet, so nothing was done; run: cohort init",
        )
    if found != current():
        raise RecordUnsafe(
            "record-version",
            f"the record database is at version {found}, this program needs {current()}; "
            "run: cohort init",
        )
