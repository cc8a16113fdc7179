"""
One connection to a relay: `smtplib` with a deadline for whole answers, and one envelope at a time.

`smtplib` costs a third of an asynchronous client here; its own time-out is for each byte, so a relay
that drips an answer would hold a worker for hours.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from typing import Any

from clinic.errors import GatewayRefused
from clinic.settings import EmailGateway

LONGEST_ANSWER = 64_000  # bytes

_DOT = re.compile(rb"(?m)^\.")


class AfterData(Exception):
    """The connection failed after the relay let us send the text: it may have taken the message."""


class Connection(smtplib.SMTP):
    """
    Connected and greeted by its making; every command ends within `seconds`, or raises.

    Raises:
        OSError: no connection, or it was lost (smtplib's own exceptions are OSErrors)
    """

    def __init__(
        self, host: str, port: int, *, name: str, seconds: float, wrap: ssl.SSLContext | None
    ) -> None:
        """`name`: ours, for EHLO; `wrap`: speak TLS from the first byte."""
        self._seconds = seconds
        self._wrap = wrap
        self._received = b""
        self._deadline = time.monotonic() + seconds
        super().__init__(host, port, local_hostname=name, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        if self._wrap is None:
            return plain
        try:
            return self._wrap.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise

    def begin(self) -> None:
        """Whatever follows must be over within `seconds` from now."""
        self._deadline = time.monotonic() + self._seconds

    def starttls(self, **options: Any) -> tuple[int, bytes]:  # type: ignore[override]
        """Encrypt. What came in clear behind the relay's answer is dropped, or it could forge one."""
        answer = super().starttls(**options)
        self._received = b""
        return answer

    def getreply(self) -> tuple[int, bytes]:
        """The relay's whole answer: its code, and its text as smtplib wants it."""
        says: list[bytes] = []
        while True:
            line = self._line()
            says.append(line[4:].strip())
            if line[3:4] != b"-":
                break
        code = int(line[:3]) if line[:3].isdigit() else -1
        return code, b"\n".join(says)

    def _line(self) -> bytes:
        while b"\n" not in self._received:
            left = self._deadline - time.monotonic()
            if left <= 0 or len(self._received) > LONGEST_ANSWER or self.sock is None:
                self.close()
                raise smtplib.SMTPServerDisconnected("no answer in time")
            self.sock.settimeout(left)
            try:
                piece = self.sock.recv(4096)
            except OSError:
                self.close()
                raise
            if not piece:
                self.close()
                raise smtplib.SMTPServerDisconnected("connection closed")
            self._received += piece
        line, _, self._received = self._received.partition(b"\n")
        return line

    def submit(
        self, sender: str, recipient: str, text: bytes, *, envelope_id: str
    ) -> tuple[str, int, bytes]:
        """
        One message to one recipient.

        Returns:
            the last command (mail, rcpt, data or text), its code, and what the relay said. Only
            `text` with 250 means that the relay has it

        Raises:
            AfterData: lost after the text was begun
            OSError: lost before
        """
        dsn = self.has_extn("dsn")
        code, says = self.mail(sender, ["RET=HDRS", f"ENVID={xtext(envelope_id)}"] if dsn else [])
        if code != 250:
            return "mail", code, says
        notify = ["NOTIFY=FAILURE,DELAY", f"ORCPT=rfc822;{xtext(recipient)}"] if dsn else []
        code, says = self.rcpt(recipient, notify)
        if code not in (250, 251):
            return "rcpt", code, says
        code, says = self.docmd("DATA")
        if code != 354:
            return "data", code, says
        try:
            self.send(_DOT.sub(b"..", text) + b".\r\n")
            return "text", *self.getreply()
        except OSError as error:
            raise AfterData from error


def xtext(text: str) -> str:
    """RFC 3461 §4: printable ASCII but `+` and `=`, the rest as +XX."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)


def connect(settings: EmailGateway, *, name: str, trust: ssl.SSLContext) -> Connection:
    """
    A connection, encrypted and logged in as the settings say.

    Raises:
        GatewayRefused: certificate, encryption or login: a person must look
        OSError: anything else; nothing was sent
    """
    wrap = trust if settings.tls == "implicit" else None
    try:
        connection = Connection(
            settings.host, settings.port, name=name, seconds=settings.timeout_seconds, wrap=wrap
        )
    except ssl.SSLCertVerificationError:
        raise GatewayRefused("gateway-tls", _TLS) from None
    try:
        _encrypt(connection, settings, trust)
        _log_in(connection, settings)
    except BaseException:
        connection.close()
        raise
    return connection


_TLS = "the relay offers no encryption, or its certificate is not valid"
_LOGIN = "the relay refuses the login"


def _encrypt(connection: Connection, settings: EmailGateway, trust: ssl.SSLContext) -> None:
    connection.ehlo_or_helo_if_needed()
    if settings.tls != "starttls":
        return
    try:
        connection.starttls(context=trust)
    except (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError):
        raise GatewayRefused("gateway-tls", _TLS) from None
    connection.ehlo_or_helo_if_needed()


def _log_in(connection: Connection, settings: EmailGateway) -> None:
    if not settings.user:
        return
    try:
        connection.login(settings.user, settings.password.get_secret_value())
    except smtplib.SMTPAuthenticationError as error:
        if 400 <= error.smtp_code < 500:  # for the moment
            raise
        raise GatewayRefused("gateway-credentials", _LOGIN) from None
    except smtplib.SMTPNotSupportedError:
        raise GatewayRefused("gateway-credentials", _LOGIN) from None
