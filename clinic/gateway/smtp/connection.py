"""
One connection to a relay: `smtplib` with a deadline for whole answers, and none that nobody asked for.

`smtplib` costs a third of an asynchronous client here; its own time-out is for each byte, so a relay
that drips an answer would hold a worker for hours.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from typing import Any

LONGEST_ANSWER = 64_000  # bytes


class Injected(Exception):
    """Something stood in clear behind the relay's yes to STARTTLS: somebody between us wrote it."""


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
        self._last_in_clear = False
        self._deadline = time.monotonic() + seconds
        super().__init__(host, port, local_hostname=name, timeout=seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        try:
            plain = socket.create_connection((host, port), timeout)
        except UnicodeError:  # no name at all: relay..example.org
            raise socket.gaierror from None
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
        if self.sock is not None:
            self.sock.settimeout(self._seconds)

    def starttls(self, **options: Any) -> tuple[int, bytes]:  # type: ignore[override]
        """
        Encrypt.

        Raises:
            Injected: an answer in clear was there before it was asked for
        """
        self._last_in_clear = True
        try:
            return super().starttls(**options)
        finally:
            self._last_in_clear = False

    def getreply(self) -> tuple[int, bytes]:
        """The relay's whole answer: its code, and its text as smtplib wants it."""
        says: list[bytes] = []
        while True:
            line = self._line()
            says.append(line[4:].strip())
            if line[3:4] != b"-":
                break
        if self._last_in_clear and self._received:
            self.close()
            raise Injected
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

    def is_quiet(self) -> bool:
        """
        Whether it is open and the relay has said nothing that nobody asked for.

        Between two envelopes it has nothing to say but that it closes; a stray answer would be taken for that
        to the next command, and every later one be a message too early.
        """
        if self._received or self.sock is None:
            return False
        try:
            self.sock.settimeout(0)
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self.sock.settimeout(self._seconds)
            return True
        except OSError:
            return False
        return False
