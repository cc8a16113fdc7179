"""
Makes an installation of a backup, in an empty home and an empty database.

Nothing is sent from it until a person says what was sent since the backup: the record is stopped and its
campaigns held before a command can find it. On SQLite the home is made beside and renamed. On PostgreSQL
the database comes in one transaction; killed before it is stopped it is a record that no home knows,
which is refused (clinic/message/sending/restore_guard.py).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from clinic.backup.companions import FOLDER, INDEX
from clinic.backup.database import load_record, require_empty, require_readable
from clinic.backup.manifest import MANIFEST, RECORD, SETTINGS, Manifest
from clinic.clock import Clock
from clinic.errors import BackupRefused
from clinic.govern.audit.key import unlock
from clinic.message.campaign.sending_stop import MOVED, read_stop, stop_and_hold
from clinic.message.sending.restore_guard import home_of, register
from clinic.record.database import Record
from clinic.record.migrate import migrate
from clinic.settings import Settings


def require_room(settings: Settings, manifest: Manifest) -> None:
    """
    Whether home and database are empty, and of the backup's kind.

    Raises:
        BackupRefused: which is not
    """
    if settings.home.exists() and any(settings.home.iterdir()):
        raise BackupRefused(
            "restore-not-empty",
            f"the home {settings.home} is not empty, nothing was changed: move it away first, or name "
            "another home in the settings file",
        )
    kind = make_url(settings.database_url).get_backend_name()
    if kind != manifest.database:
        raise BackupRefused(
            "restore-database",
            f"the backup has a {manifest.database} record, and record_url names {kind}: name one of its kind",
        )
    require_empty(settings.database_url)


def restore(settings: Settings, clock: Clock, parts: Path, manifest: Manifest) -> None:
    """
    Put everything back, stopped.

    Args:
        parts: the unpacked backup

    Raises:
        BackupRefused: home or database are not empty, or the copy cannot be read
    """
    require_room(settings, manifest)
    require_readable(parts / RECORD, manifest.database)
    home = settings.home.resolve()
    home.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{home.name}.", dir=home.parent))
    try:
        for name in manifest.parts:
            if name not in (RECORD, SETTINGS, MANIFEST, INDEX) and not name.startswith(
                f"{FOLDER}/"
            ):
                (draft / name).parent.mkdir(exist_ok=True, mode=0o700)
                shutil.copyfile(parts / name, draft / name)
                (draft / name).chmod(0o600)
        url, then = _where(settings, home, draft)
        load_record(parts / RECORD, url)
        _stop(url, draft, clock, manifest.taken_at)
        os.rename(draft, home)
        if then is not None:
            os.replace(then[0], then[1])
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    record = Record.open(settings.database_url)
    try:
        register(record, home_of(settings))
    finally:
        record.close()


def _where(settings: Settings, home: Path, draft: Path) -> tuple[str, tuple[Path, Path] | None]:
    """Where the record is made, and which file is renamed in the end."""
    at = make_url(settings.database_url)
    if at.get_backend_name() != "sqlite":
        return settings.database_url, None
    target = Path(at.database or "").resolve()
    if target.is_relative_to(home):
        inside = draft / target.relative_to(home)
        inside.parent.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{inside}", None
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.restoring")
    return f"sqlite:///{beside}", (beside, target)


def _stop(url: str, home: Path, clock: Clock, taken_at: datetime) -> None:
    record = Record.open(url)
    try:
        migrate(record)
        unlock(record, home)
        with record.write() as connection:
            # Nothing left after a move's backup: sending stays stopped, and no campaign is held
            if (stop := read_stop(connection)) is None or stop.code != MOVED:
                stop_and_hold(connection, clock, "database-restored", since=taken_at)
    finally:
        record.close()
