"""
Prefect's own database on one machine: a copy of a file that was migrated once.

Prefect's migrations of an empty SQLite file take 7 s of an idle machine and 15 to 30 s of a busy
one; with a copy the server answers after 3. The file is made where Cohort is installed, once for
each version of Prefect, and serves every home and the tests. Nothing of it is shipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.processes.environment import OWN_CODE, prefect_home, prefect_version


def prepare_database(settings: Settings) -> Path:
    """
    Make the local server's SQLite file if there is none, and say where it is.

    Safe to call again, while no server runs on it: a database that exists is kept, and made smaller where
    most of it is empty; the server migrates it itself when Prefect becomes newer.
    """
    database = prefect_home(settings) / "prefect.db"
    if database.exists():
        give_back(database)
    else:
        database.parent.mkdir(parents=True, exist_ok=True)
        database.parent.chmod(0o700)
        _copy_whole(migrated_template(database.parent), database)
    return database


def give_back(database: Path, *, least: int = 50_000_000) -> bool:
    """
    Give the disk back what Prefect removed, where that is most of the file, and `least` bytes; whether it did.

    SQLite keeps the room for what comes, and a log of the longest write beside it. Somebody who has the file
    open is not waited for: nothing is done then.
    """
    with contextlib.closing(sqlite3.connect(database, timeout=1)) as connection:
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            pages, empty, size = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
            if empty * size < least or empty * 2 < pages:
                return False
            connection.execute("VACUUM")
        except sqlite3.Error:  # in use, or the disk has no room for a copy: it is as it was
            return False
    return True


def migrated_template(otherwise: Path | None = None) -> Path:
    """
    An empty Prefect database of the installed version; made at the first call.

    otherwise: where it is kept if the installed program is somebody else's; never in a folder that
        other accounts can write to, for whoever makes the database says what runs
    """
    template = _template_folder(otherwise) / f"prefect-{prefect_version()}.db"
    if not template.exists():
        with tempfile.TemporaryDirectory(prefix="cohort-prefect-") as folder:
            fresh = Path(folder) / "prefect.db"
            _migrate(fresh)
            _copy_whole(fresh, template)
    return template


def _template_folder(otherwise: Path | None) -> Path:
    folder = Path(sys.prefix) / "share" / "cohort"
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if otherwise is None or os.access(folder, os.W_OK):
        return folder
    return otherwise


def _migrate(database: Path) -> None:
    environment = {
        **os.environ,
        **OWN_CODE,
        "PREFECT_HOME": str(database.parent),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{database}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "server", "database", "upgrade", "--yes"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MendableError(
            "prefect-database",
            f"Prefect could not make its database in {database.parent}: "
            f"{done.stderr.strip()[-500:]}. Is the disk full, or the folder not yours?",
        )


def _copy_whole(source: Path, target: Path) -> None:
    """Copy under another name first: nobody ever opens half a file."""
    part = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copyfile(source, part)
    part.replace(target)


if __name__ == "__main__":  # `make` calls it when it installs
    migrated_template()
