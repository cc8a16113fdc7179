"""
A file that only its recipient can read: encrypted to public keys by age (X25519, ChaCha20-Poly1305).

The reader opens it with the secret half of their key: age -d -i key.txt export-7.xlsx.age > export-7.xlsx
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ENDING: Final = ".age"


def encrypt_file(plain: Path, sealed: Path, keys: Sequence[str]) -> None:
    """Write `plain` encrypted, for its owner alone; memory is that of one block, whatever its size."""
    from pyrage import encrypt_io, x25519

    recipients = [x25519.Recipient.from_str(key) for key in keys]
    descriptor = os.open(sealed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with plain.open("rb") as source, os.fdopen(descriptor, "wb") as target:
        encrypt_io(source, target, recipients)
