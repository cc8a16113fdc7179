"""
The token of a link: 128 bits that only this installation can make, the same ones each time.

Made at the moment of sending from the key of the audit trail, which is outside the database and on every
machine that sends. So a replay has the same bytes, and who reads the record, a preview or an export finds
a placeholder of the same length, and no token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

DOCUMENT: Final = "document"
# 22 letters as a token has, so that a preview has as many segments; no token ends with this one
PLACEHOLDER: Final = "LINK-MADE-WHEN-SENDING"
_BYTES: Final = 16
_USE: Final = b"cohort patient link"


def token(key: bytes, purpose: str, message_id: int) -> str:
    """The token of a message's link: 22 letters, digits, - and _, each one septet of a text message."""
    own = hmac.digest(key, _USE, "sha256")
    said = hmac.digest(own, f"{purpose}\0{message_id}".encode(), "sha256")
    return base64.urlsafe_b64encode(said[:_BYTES]).decode().rstrip("=")


def digest_of(given: str) -> str:
    """What the record has of a token."""
    return hashlib.sha256(given.encode()).hexdigest()


def address(base: str) -> str:
    """The address as it stands in the record: it leads nowhere. base: where the door is"""
    return f"{base}/p/{PLACEHOLDER}"
