"""
Secrets: an operator's, kept only as a slow hash, and the key of the audit trail, kept outside the database.
"""

from __future__ import annotations

import os
import secrets
import unicodedata
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from clinic.errors import NotAllowed, RecordUnsafe
from clinic.govern.audit_chain import use_key
from clinic.record.database import Record
from clinic.record.schema.govern import audit_block

SHORTEST: Final = 12
LONGEST: Final = 1024
KEY_FILE: Final = "audit.key"
_KEY_BYTES: Final = 32

# argon2id with the library's parameters (RFC 9106, low memory: 64 MiB, 3 passes)
_HASHER: Final = PasswordHasher()
# The hash of something nobody knows: an unknown name costs what a known one does
_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$DqHMoJ+5DJVL9l8/mtzrFA"
    "$XRYomauWJ64WICiVOR8Wqe5aIdFJ37EgJcjUo+PZ5+M"
)


def hash_secret(secret: str) -> str:
    """
    What is stored of a secret.

    Raises:
        NotAllowed: it is too short to resist guessing
    """
    if not SHORTEST <= len(secret) <= LONGEST:
        raise NotAllowed(
            "secret-too-short",
            f"a secret has at least {SHORTEST} characters (and at most {LONGEST})",
        )
    return _HASHER.hash(_normal(secret))


def is_right(secret: str, stored: str | None) -> bool:
    """Whether `secret` is the one that was hashed; takes as long when nothing is stored."""
    try:
        return _HASHER.verify(stored or _NOBODY, _normal(secret[:LONGEST])) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def _normal(secret: str) -> str:
    # The same keys give é as one character on one machine and as two on another (RFC 8265)
    return unicodedata.normalize("NFC", secret)


def read_secret(descriptor: int) -> str:
    """
    A secret from an open file descriptor: its first line. Never from an argument or the environment,
    which other users of the machine can list.

    Raises:
        NotAllowed: nothing can be read there
    """
    try:
        with open(descriptor, encoding="utf-8") as source:
            return source.readline(LONGEST + 2).rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise NotAllowed(
            "secret-unread", f"no secret could be read from file descriptor {descriptor}"
        ) from None


def unlock(record: Record, home: Path) -> Record:
    """
    Let this process seal and verify the audit trail: with the key in `home`, made on first use.

    Raises:
        RecordUnsafe: the trail was begun elsewhere and its key is not here, or is open to others
    """
    path = home / KEY_FILE
    if not path.exists():
        _require_no_trail(record)
        _make_key(path)
    use_key(record, _read_key(path))
    return record


def _require_no_trail(record: Record) -> None:
    with record.read() as connection:
        if connection.execute(sa.select(audit_block.c.number).limit(1)).first() is not None:
            raise RecordUnsafe(
                "audit-key-missing",
                f"the record has an audit trail, but its key {KEY_FILE} is not in this home: copy it "
                "from the machine that began the trail, or from its backup",
            )


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
