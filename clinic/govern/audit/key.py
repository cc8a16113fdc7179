"""The key of the audit trail: made once, kept outside the database, for this account alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.errors import RecordUnsafe
from clinic.govern.audit.anchor import ANCHOR_FILE, KEY_FILE, begin_anchor
from clinic.record.database import Record, use_key
from clinic.record.schema.govern import audit_block

_KEY_BYTES: Final = 32


def unlock(record: Record, home: Path) -> Record:
    """
    Let this process seal and verify the audit trail: with the key in `home`, made on first use.

    Raises:
        RecordUnsafe: the trail was begun elsewhere and its key is not here, or is open to others
    """
    path = home / KEY_FILE
    if not path.exists():
        if _is_begun(record):
            return record
        _make_key(path)
    use_key(record, _read_key(path))
    begin_anchor(record, home / ANCHOR_FILE)
    return record


def _is_begun(record: Record) -> bool:
    """
    Whether there is a trail that is to go on without a key, as it began; a new one is to get a key.

    Raises:
        RecordUnsafe: it began with a key
    """
    with record.read() as connection:
        first = connection.execute(sa.select(audit_block.c.key_id).limit(1)).first()
    if first is not None and first.key_id is not None:
        raise RecordUnsafe(
            "audit-key-missing",
            f"the record has an audit trail, but its key {KEY_FILE} is not in this home: copy it "
            "from the machine that began the trail, or from its backup",
        )
    return first is not None


def _make_key(path: Path) -> None:
    """Write a new key beside and link it in place, so that two processes starting at once agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_KEY_BYTES) + "\n")
            out.flush()
            os.fsync(descriptor)
        os.link(draft, path)
    except FileExistsError:
        pass  # the other process was first: its key is the key
    finally:
        draft.unlink()


def _read_key(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise RecordUnsafe("audit-key-open", f"{path} can be read by others; run: chmod 600 {path}")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise RecordUnsafe("audit-key-damaged", f"{path} is not a key; bring it back from a backup")
    return key
