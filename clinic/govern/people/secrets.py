"""An operator's password: read where others cannot see it, kept only as a slow hash."""

from __future__ import annotations

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from clinic.errors import NotAllowed

SHORTEST: Final = 12
LONGEST: Final = 1024

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
            f"a password has at least {SHORTEST} characters (and at most {LONGEST})",
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
            "secret-unread", f"no password could be read from file descriptor {descriptor}"
        ) from None
