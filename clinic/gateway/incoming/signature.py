"""
Signatures: of what a gateway sends us, and of the links by which a patient unsubscribes.

A request is signed with HMAC-SHA256 over `timestamp.body`, the raw bytes as they were sent. A link's
token is our message's number with an HMAC: it names nobody, and cannot be guessed for another message.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

from clinic.errors import SettingsWrong

WINDOW: Final = timedelta(minutes=5)
_SHORTEST: Final = 16
_TAG: Final = 16  # bytes of a token's HMAC: 128 bits


def secret_key(secret: str) -> bytes:
    """
    The shared secret as bytes.

    Raises:
        SettingsWrong: there is none, or it could be guessed
    """
    if len(secret) < _SHORTEST:
        raise SettingsWrong(
            "receipts-secret",
            f"receipts.secret must have at least {_SHORTEST} characters; agree on one with the gateway",
        )
    return secret.encode()


def sign(key: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a request, hexadecimal."""
    return hmac.digest(key, _bytes(timestamp) + b"." + body, "sha256").hex()


def is_signed(key: bytes, timestamp: str, signature: str, body: bytes, *, now: datetime) -> bool:
    """Whether who knows the secret sent this body within five minutes of `now`."""
    right = hmac.compare_digest(
        sign(key, timestamp, body).encode(), _bytes(signature.strip().lower())
    )
    return right and _is_recent(timestamp, now)


def _bytes(header: str) -> bytes:
    """A header as it came: bytes outside UTF-8 stand in it as surrogates."""
    return header.encode("utf-8", "surrogatepass")


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 12):
        return False
    return abs(now - datetime.fromtimestamp(int(timestamp), UTC)) <= WINDOW


def make_token(key: bytes, reference: int) -> str:
    """The token of a message's unsubscribe link: no patient data, 32 characters."""
    number = reference.to_bytes(8, "big")
    return base64.urlsafe_b64encode(number + _tag(key, number)).decode().rstrip("=")


def read_token(key: bytes, token: str) -> int | None:
    """The message whose token this is; None: it is nobody's."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    number, tag = data[:8], data[8:]
    if not hmac.compare_digest(tag, _tag(key, number)):
        return None
    return int.from_bytes(number, "big")


def _tag(key: bytes, number: bytes) -> bytes:
    return hmac.digest(key, b"unsubscribe." + number, "sha256")[:_TAG]
