"""
Writes a backup: all that an installation needs to live again, in one file for this account alone.

The anchor is read before the record, which may grow meanwhile: a trail that is longer than its anchor is
right, a shorter one would be an alarm. Written beside and renamed: a file of that name is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from clinic.backup.companions import gather
from clinic.backup.database import copy_record
from clinic.backup.manifest import MANIFEST, RECORD, SETTINGS, Manifest, digest, program_version
from clinic.backup.noted import note_backup
from clinic.clock import Clock
from clinic.errors import BackupRefused, NotSetUp
from clinic.govern.audit.anchor import ANCHOR_FILE, KEY_FILE
from clinic.govern.audit.redacted import ERASED_LIST
from clinic.record.database import Record
from clinic.record.schema.messages import installation
from clinic.record.version import current, found_version, require_known
from clinic.settings import Settings

# Besides key and anchor: answers of gateways that the record did not have yet
_FOLDERS = ("answers",)


def write_backup(settings: Settings, clock: Clock, target: Path, config: Path | None) -> Path:
    """
    Copy the installation into one file, while it works; which file.

    Args:
        target: a new file, or a folder that gets one with the date in its name
        config: the settings file; None: there is none

    Raises:
        BackupRefused: the file is there already, or the database cannot be copied
        NotSetUp: there is no record yet
        RecordUnsafe: a newer program made the record
    """
    now = clock.now()
    path = require_target(target, now)
    version, name = _who(settings)
    # Beside the file: patients' data in no other folder, and the rename is at once
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        parts = folder / "parts"
        parts.mkdir()
        _gather(settings, parts, config)
        manifest = Manifest(
            cohort=program_version(),
            taken_at=now,
            database=_kind(settings),
            record_version=version,
            install_id=name,
            parts={
                str(each.relative_to(parts)): digest(each)
                for each in sorted(parts.rglob("*"))
                if each.is_file()
            },
        )
        (parts / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        _pack(parts, folder / "whole.tar", [MANIFEST, *manifest.parts])
        os.replace(folder / "whole.tar", path)
        _note(settings, now, version)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return path


def require_target(target: Path, now: datetime) -> Path:
    """
    The file that a backup of now would be.

    Raises:
        BackupRefused: it is there already, or its folder is not
    """
    path = target / f"cohort-{now:%Y%m%d-%H%M%S}.tar" if target.is_dir() else target
    if path.exists():
        raise BackupRefused(
            "backup-exists", f"{path} is there already, nothing was written: name a new file"
        )
    if not path.parent.is_dir():
        raise BackupRefused("backup-folder", f"there is no folder {path.parent}: make it first")
    return path


def _who(settings: Settings) -> tuple[str, str]:
    """The record's version and its installation's name."""
    url = sa.engine.make_url(settings.database_url)
    missing = url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()
    record = Record.open(settings.database_url)
    try:
        version, name = None if missing else found_version(record), None
        require_known(version)
        if version is not None:
            with record.read() as connection:
                name = connection.scalar(sa.select(installation.c.install_id))
        if version is None or name is None:
            raise NotSetUp("not-set-up", "there is no record here yet: there is nothing to back up")
        return version, str(name)
    finally:
        record.close()


def _note(settings: Settings, at: datetime, version: str) -> None:
    """So that `cohort health` knows. A record of an older version has no place for it."""
    if version != current():
        return
    record = Record.open(settings.database_url)
    try:
        note_backup(record, at)
    finally:
        record.close()


def _kind(settings: Settings) -> Literal["sqlite", "postgresql"]:
    name = sa.engine.make_url(settings.database_url).get_backend_name()
    return "sqlite" if name == "sqlite" else "postgresql"


def _gather(settings: Settings, parts: Path, config: Path | None) -> None:
    home = settings.home
    for name in (KEY_FILE, ANCHOR_FILE, ERASED_LIST):
        if (home / name).exists():
            _copy(home / name, parts / name)
    for name in _FOLDERS:
        for file in sorted((home / name).glob("*.json")):
            with contextlib.suppress(FileNotFoundError):  # taken in meanwhile: the record has it
                _copy(file, parts / name / file.name)
    if config is not None and config.is_file():
        _copy(config, parts / SETTINGS)
        gather(config, parts)
    copy_record(settings.database_url, parts / RECORD)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True, mode=0o700)
    shutil.copyfile(source, target)
    target.chmod(0o600)


def _pack(parts: Path, target: Path, names: list[str]) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as out:
        with tarfile.open(fileobj=out, mode="w") as archive:
            for name in names:
                archive.add(parts / name, arcname=name)
        out.flush()
        os.fsync(descriptor)
