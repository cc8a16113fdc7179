"""
A consistent copy of a record while it is worked with, and a record made of a copy.

SQLite copies itself (its backup API): one snapshot. PostgreSQL does by pg_dump, also one snapshot; the
tools must be as new as the server. A password goes by the environment, which other accounts cannot read.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from clinic.errors import BackupRefused
from clinic.record.database import Record
from clinic.record.sqlite import library


def copy_record(url: str, target: Path) -> None:
    """
    Write a copy of the record at `url` to a new file, for this account alone.

    Raises:
        BackupRefused: PostgreSQL's tools are missing, or cannot copy this server
    """
    at = make_url(url)
    if at.get_backend_name() == "sqlite":
        _copy_sqlite(Path(at.database or ""), target)
    else:
        _tool("pg_dump", at, "--format=custom", "--schema=public", f"--file={target}")
    target.chmod(0o600)


def _copy_sqlite(source: Path, target: Path) -> None:
    with (
        contextlib.closing(library().connect(str(source), timeout=60)) as reading,
        contextlib.closing(library().connect(str(target))) as writing,
    ):
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def require_readable(copy: Path, kind: str) -> None:
    """
    Whether a copy can be opened and is whole, as far as that is known without a server.

    Raises:
        BackupRefused: it is not
    """
    if kind == "postgresql":
        _run("pg_restore", ["--list", str(copy)], {})
        return
    try:
        with contextlib.closing(library().connect(str(copy))) as connection:
            (said,) = connection.execute("PRAGMA quick_check").fetchone()
    except library().DatabaseError:
        said = "no database"
    if said != "ok":
        raise BackupRefused("backup-damaged", "the record in the backup cannot be read")


def require_empty(url: str) -> None:
    """
    Whether nothing is in the database that a backup is to be restored to.

    Raises:
        BackupRefused: something is
    """
    at = make_url(url)
    if at.get_backend_name() == "sqlite":
        if Path(at.database or "").exists():
            raise BackupRefused(
                "restore-not-empty",
                f"there is a record in {at.database} already, nothing was changed: move it away first",
            )
        return
    record = Record.open(url)
    try:
        with record.read() as connection:
            tables = sa.inspect(connection).get_table_names()
    except sa.exc.OperationalError:
        raise BackupRefused(
            "restore-unreachable",
            "the database of record_url does not answer: make an empty one (createdb) and try again",
        ) from None
    finally:
        record.close()
    if tables:
        raise BackupRefused(
            "restore-not-empty",
            f"the database {at.database} is not empty, nothing was changed: name an empty one in record_url",
        )


def load_record(copy: Path, url: str) -> None:
    """
    Make the record at `url` from a copy: the whole of it or nothing.

    Raises:
        BackupRefused: PostgreSQL's tools are missing, or refuse it
    """
    at = make_url(url)
    if at.get_backend_name() == "sqlite":
        shutil.copyfile(copy, at.database or "")
        return
    _tool(
        "pg_restore", at, "--schema=public", "--no-owner", "--no-privileges",
        "--single-transaction", "--exit-on-error", str(copy),
    )  # fmt: skip


def _tool(name: str, at: URL, *options: str) -> None:
    from psycopg.conninfo import make_conninfo  # only here: who lives on SQLite need not load it

    parts = {"host": at.host, "port": at.port, "user": at.username, "dbname": at.database}
    named = {**parts, **at.query}
    where = make_conninfo("", **{key: str(value) for key, value in named.items() if value})
    _run(
        name,
        [*options, f"--dbname={where}"],
        {"PGPASSWORD": str(at.password)} if at.password else {},
    )


def _run(name: str, options: list[str], environment: dict[str, str]) -> None:
    program = shutil.which(name)
    if program is None:
        raise BackupRefused(
            "backup-tool-missing",
            f"{name} is not installed here, so nothing was done: install PostgreSQL's client tools "
            "(Debian: postgresql-client), at least as new as the server",
        )
    done = subprocess.run(
        [program, *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # Not what it said: that may quote a row
        newer = "server version mismatch" in done.stderr
        raise BackupRefused(
            "backup-tool",
            f"{name} is older than the server: install the server's version of the client tools"
            if newer
            else f"{name} failed (exit {done.returncode}): try it by hand on that database, as this account",
        )
