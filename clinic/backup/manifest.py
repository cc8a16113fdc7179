"""What a backup says of itself: when and of what it was made, and the SHA-256 of each part."""

from __future__ import annotations

import hashlib
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from clinic.errors import BackupRefused

MANIFEST: Final = "manifest.json"
RECORD: Final = "record"
SETTINGS: Final = "cohort.toml"


class Manifest(BaseModel):
    """The first file of a backup. `taken_at`: before the copy was begun, so nothing is missed after it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    cohort: str
    taken_at: datetime
    database: Literal["sqlite", "postgresql"]
    record_version: str
    install_id: str
    parts: dict[str, str]


def program_version() -> str:
    """Which Cohort this is."""
    return version("cohort")


def digest(path: Path) -> str:
    """A file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """
    What an unpacked backup says of itself, once each part is what it says.

    Raises:
        BackupRefused: it is damaged, or no backup
    """
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValidationError):
        raise BackupRefused(
            "backup-damaged",
            "this is no backup of Cohort that this version can read: its manifest is missing or damaged. "
            "Take another backup",
        ) from None
    found = {
        str(path.relative_to(folder)): path
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }
    wrong = {name for name in manifest.parts if name not in found}
    wrong |= {name for name, path in found.items() if manifest.parts.get(name) != digest(path)}
    if wrong or RECORD not in found:
        raise BackupRefused(
            "backup-damaged",
            f"the backup is damaged: {', '.join(sorted(wrong)) or RECORD} is not what was written. "
            "Take another backup",
        )
    return manifest
