"""
The token by which a report finds its message: in the envelope's sender (VERP) and its id (ENVID).

Our message's number and an HMAC of it, bound to the gateway's name: nobody can make one for another message.
29 letters and digits in lower case, since mail systems change case; no patient data.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Final

from clinic.gateway.incoming.signature import secret_key
from clinic.settings import Settings
from clinic.settings.gateways.smtp import SmtpGateway

_TAG: Final = 10  # bytes of the HMAC: 80 bits, tried one mail at a time
_LENGTH: Final = 29


class Stamp:
    """Makes and reads the tokens of one gateway."""

    def __init__(self, key: bytes, gateway: str, bounce_address: str) -> None:
        self._key, self._about = key, f"bounce.{gateway}.".encode()
        self._local, _, self._domain = bounce_address.lower().rpartition("@")

    def token(self, reference: int) -> str:
        """Of our message."""
        number = reference.to_bytes(8, "big")
        return base64.b32encode(number + self._tag(number)).decode().rstrip("=").lower()

    def sender(self, reference: int) -> str:
        """The envelope's sender: bounces+TOKEN@…, of at most 64 characters before the @."""
        return f"{self._local}+{self.token(reference)}@{self._domain}"

    def read(self, token: str) -> int | None:
        """The message whose token this is; None: it is nobody's."""
        if len(token) != _LENGTH or not token.isascii():
            return None
        try:
            data = base64.b32decode(token.upper() + "===")
        except binascii.Error:
            return None
        number, tag = data[:8], data[8:]
        right = hmac.compare_digest(tag, self._tag(number))
        return int.from_bytes(number, "big") if right else None

    def read_address(self, address: str) -> int | None:
        """The message whose envelope had this sender; None: it is nobody's."""
        local, _, domain = address.strip().strip("<>").lower().rpartition("@")
        base, _, token = local.rpartition("+")
        return self.read(token) if (base, domain) == (self._local, self._domain) else None

    def _tag(self, number: bytes) -> bytes:
        return hmac.digest(self._key, self._about + number, "sha256")[:_TAG]


def stamp_of(settings: SmtpGateway, name: str, secret: str) -> Stamp | None:
    """
    Of a gateway; None: there is no secret to make tokens with.

    Args:
        secret: receipts.secret

    Raises:
        SettingsWrong: it could be guessed; or there is none, and reports are to find their messages
    """
    if not secret and not settings.reads_reports:
        return None
    return Stamp(secret_key(secret), name, settings.bounce_address or settings.sender)


def stamps_of(settings: Settings) -> dict[str, Stamp]:
    """
    Of every gateway of type smtp that has one, by name.

    Raises:
        SettingsWrong: as `stamp_of`
    """
    secret = settings.receipts.secret.get_secret_value()
    found = {}
    for name, one in settings.gateways.items():
        stamp = stamp_of(one, name, secret) if isinstance(one, SmtpGateway) else None
        if stamp is not None:
            found[name] = stamp
    return found
