"""
An e-mail as bytes, built from a prepared header block: the library's message objects cost ten times
the sending.

Text in UTF-8, with an HTML part made of it where that is set; one recipient, always (Tavistock's 1,781
addresses in one To: field). Nothing a patient or a template supplies can add a header or a recipient: line ends
are refused, not removed.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr
from functools import lru_cache

from clinic.errors import SettingsWrong
from clinic.gateway.protocol import Outgoing, Turned
from clinic.gateway.smtp.html import html_of

# What an unquoted address may be; everything else could end a command or a header
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_PLAIN = "text/plain; charset=utf-8"
# In no quoted-printable and no base64 can "=_" stand, so in no part
_BOUNDARY = "=_cohort"
_BOTH = f'multipart/alternative; boundary="{_BOUNDARY}"'
_LINE_END = re.compile(r"\r\n|\r|\n")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True)
class Letterhead:
    """What every e-mail of this installation shares."""

    sender: str
    sender_name: str = ""
    unsubscribe_url: Callable[[int], str] | None = None  # of a message id (RFC 8058)
    setting: str = "email.sender"  # where the sender is set
    html: bool = False  # an HTML part beside the text, made of it

    def __post_init__(self) -> None:
        if not _ADDRESS.fullmatch(self.sender):
            raise SettingsWrong(
                "gateway-sender", f"{self.setting} is no address; correct cohort.toml"
            )
        if _UNSAFE.search(self.sender_name):
            raise SettingsWrong(
                "gateway-sender", "the organisation's name holds a line end or control character"
            )

    @property
    def domain(self) -> str:
        """The sender's, which also names us to the relay and makes message ids."""
        return self.sender.rpartition("@")[2]

    def fixed_headers(self, at: datetime) -> bytes:
        """The headers that all messages of one call share."""
        lines = [
            f"From: {formataddr((self.sender_name, self.sender))}",
            f"Date: {format_datetime(at)}",
            "MIME-Version: 1.0",
            f"Content-Type: {_BOTH if self.html else _PLAIN}",
            "Auto-Submitted: auto-generated",
        ]
        return "\r\n".join(lines).encode() + b"\r\n"


def envelope_address(message: Outgoing) -> str | Turned:
    """The address for the envelope, or why this message can never leave as an e-mail."""
    if _UNSAFE.search(message.subject or ""):
        return Turned("subject_unsafe", "The subject holds a line end or control character.")
    address = to_ascii(message.to)
    if address is None or not _ADDRESS.fullmatch(address):
        return Turned("email_invalid", "The address cannot be written in an envelope.")
    return address


def to_ascii(address: str) -> str | None:
    """The address with its domain in IDNA; None if no relay without SMTPUTF8 could take it."""
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        return None
    try:
        return f"{local}@{domain if domain.isascii() else domain.encode('idna').decode()}"
    except UnicodeError:
        return None


def compose(
    message: Outgoing, *, letterhead: Letterhead, fixed: bytes, address: str, message_id: str
) -> bytes:
    """The whole message, lines ended by CR LF, dots not yet doubled; `fixed` from the letterhead."""
    encoding, body = encode_body(message.body)
    if letterhead.html:
        encoding, body = "7bit", _alternatives(encoding, body, html_of(message.body))
    lines = [
        f"To: {address}",
        f"Subject: {encode_subject(message.subject or '')}",
        f"Message-ID: <{message_id}@{letterhead.domain}>",
        f"Content-Transfer-Encoding: {encoding}",
    ]
    if letterhead.unsubscribe_url is not None:
        url = letterhead.unsubscribe_url(message.reference)
        lines += [
            f"List-Unsubscribe: <{url}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        ]
    return fixed + "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body


def _alternatives(encoding: str, body: bytes, page: str) -> bytes:
    """Text first: who shows HTML takes the last that it can show (RFC 2046 §5.1.4)."""
    page_encoding, shown = encode_body(page)
    parts = ((_PLAIN, encoding, body), ("text/html; charset=utf-8", page_encoding, shown))
    whole = b"".join(
        f"--{_BOUNDARY}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {how}\r\n\r\n".encode()
        + part
        for kind, how, part in parts
    )
    return whole + f"--{_BOUNDARY}--\r\n".encode()


@lru_cache(maxsize=256)
def encode_subject(subject: str) -> str:
    """The subject as RFC 2047 words where it must, folded; most messages of a campaign share one."""
    charset = "us-ascii" if subject.isascii() else "utf-8"
    return Header(subject, charset, header_name="Subject").encode(linesep="\r\n")


def encode_body(text: str) -> tuple[str, bytes]:
    """The shorter of quoted-printable (readable on the wire) and base64 (Arabic, Bengali, …)."""
    raw = _LINE_END.sub("\r\n", text.rstrip("\r\n") + "\n").encode("utf-8", "replace")
    quoted = binascii.b2a_qp(raw, istext=True)
    if len(quoted) <= len(raw) * 4 / 3 + 80:
        return "quoted-printable", quoted
    lines = (binascii.b2a_base64(raw[i : i + 57], newline=False) for i in range(0, len(raw), 57))
    return "base64", b"\r\n".join(lines) + b"\r\n"
