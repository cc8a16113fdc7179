"""Opens a backup and tells whether it is whole: each part's digest, the record, and its audit trail."""

from __future__ import annotations

import contextlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clinic.backup.database import require_readable
from clinic.backup.manifest import RECORD, Manifest, read_manifest
from clinic.errors import BackupRefused
from clinic.govern.audit.anchor import ANCHOR_FILE
from clinic.govern.audit.key import unlock
from clinic.govern.audit.trail import verify
from clinic.record.database import Record
from clinic.record.version import current, first, is_older_than_all, known


@dataclass(frozen=True)
class Checked:
    """A backup that is whole. `rows`: of its trail that were read again; None: that needs a server."""

    manifest: Manifest
    rows: int | None


@contextlib.contextmanager
def unpacked(file: Path, beside: Path) -> Iterator[tuple[Path, Manifest]]:
    """
    The parts of a backup in a folder of their own, removed at the end.

    Args:
        beside: a folder on the disk that is to hold patients' data

    Raises:
        BackupRefused: it is no backup, damaged, of a newer Cohort, or too old
    """
    if not file.is_file():
        raise BackupRefused("backup-damaged", f"there is no file {file}")
    folder = Path(tempfile.mkdtemp(prefix=".cohort-backup.", dir=beside))
    try:
        try:
            with tarfile.open(file, mode="r:") as archive:
                archive.extractall(folder, filter="data")
        except (tarfile.TarError, EOFError):
            raise BackupRefused(
                "backup-damaged", f"{file} is no backup of Cohort, or is cut short: take another"
            ) from None
        manifest = read_manifest(folder)
        _require_known(manifest)
        yield folder, manifest
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_known(manifest: Manifest) -> None:
    version = manifest.record_version
    if is_older_than_all(version):
        raise BackupRefused(
            "backup-older",
            f"the backup is of record version {version}, and this Cohort upgrades those of version {first()} "
            "and later: restore it with the program that docs/running.md names under Upgrade, then upgrade "
            "that record",
        )
    if version not in known():
        raise BackupRefused(
            "backup-newer",
            f"the backup was made by a newer Cohort ({manifest.cohort}, record version {version}; this one "
            f"knows {current()}): install that version first",
        )


def check_backup(file: Path) -> Checked:
    """
    Open a backup as a restore would, without restoring it.

    Raises:
        BackupRefused: it could not be restored
    """
    with unpacked(file, file.resolve().parent) as (folder, manifest):
        require_readable(folder / RECORD, manifest.database)
        if manifest.database != "sqlite" or manifest.record_version != current():
            return Checked(manifest, None)
        record = Record.open(f"sqlite:///{folder / RECORD}")
        try:
            found = verify(unlock(record, folder), folder / ANCHOR_FILE)
        finally:
            record.close()
    if found.first_fault is not None:
        raise BackupRefused(
            "backup-audit",
            f"the audit trail in the backup is not what was written: {found.first_fault}. Look at the "
            "record that it was made of: cohort audit verify",
        )
    return Checked(manifest, found.rows)
