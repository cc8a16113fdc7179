"""
Removes what an installation has: record, home with key and answers, notes outside of it, settings file.

The record goes first, the home last, so that a removal that was killed is carried on by the same command.
What people made of it elsewhere (exports, backups, lists) is theirs: it is searched for and named (search.py).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from clinic.record.database import Record
from clinic.record.migrate import drop_everything
from clinic.settings import Settings


def remove(settings: Settings, install_id: str | None, config: Path | None) -> list[str]:
    """
    Remove all of it; what was removed.

    Args:
        install_id: whose notes outside the home go; None: it is not known any more
        config: the practice's own settings file; None: there is none
    """
    gone = _remove_record(settings)
    if install_id is not None:
        gone += _remove_folder(settings.notes_folder / install_id)
    gone += _remove_folder(settings.home)
    if config is not None and config.is_file():
        config.unlink()
        gone.append(str(config))
    return gone


def _remove_record(settings: Settings) -> list[str]:
    at = make_url(settings.database_url)
    if at.get_backend_name() != "sqlite":
        record = Record.open(settings.database_url)
        try:
            drop_everything(record)
        finally:
            record.close()
        return [f"all tables of the database {at.database}"]
    gone = []
    for end in ("", "-wal", "-shm", "-journal"):
        path = Path(f"{at.database}{end}")
        if path.exists():
            path.unlink()
            gone.append(str(path))
    return gone


def _remove_folder(folder: Path) -> list[str]:
    if not folder.exists():
        return []
    shutil.rmtree(folder)
    return [str(folder)]


def tables_left(settings: Settings) -> list[str]:
    """The tables that are still in a PostgreSQL database; none of SQLite, whose file is gone."""
    if make_url(settings.database_url).get_backend_name() == "sqlite":
        return []
    record = Record.open(settings.database_url)
    try:
        with record.read() as connection:
            return sorted(sa.inspect(connection).get_table_names())
    finally:
        record.close()
