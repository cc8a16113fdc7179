"""SMTP relays for tests: one that answers by script, one of aiosmtpd that keeps what it takes."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.scripted import Deed, Scripted, running, say

_OK: Mapping[str, bytes] = {
    "CONNECT": b"220 relay ESMTP\r\n",
    "EHLO": b"250-relay\r\n250 DSN\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 go on\r\n",
    "TEXT": b"250 2.0.0 Ok: queued as 4FABC\r\n",
    "RSET": b"250 Ok\r\n",
    "QUIT": b"221 Bye\r\n",
}


@contextlib.contextmanager
def scripted_relay(**deeds: Deed | bytes) -> Iterator[Scripted]:
    """
    A relay that takes everything, but does `deeds` at the named commands.

    CONNECT and TEXT (after the final dot) count as commands; `MAIL_2` is the second MAIL of all.
    """
    script = Scripted(())
    counts: dict[str, int] = {}

    def answer(talk: socket.socket, command: str) -> None:
        counts[command] = counts.get(command, 0) + 1
        deed = deeds.get(f"{command}_{counts[command]}") or deeds.get(command)
        deed = deed or _OK.get(command, b"502 what?\r\n")
        (say(deed) if isinstance(deed, bytes) else deed)(talk, script.ended)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            script.connections += 1
            talk: socket.socket = self.request
            answer(talk, "CONNECT")
            with talk.makefile("rb") as lines:
                while line := lines.readline():
                    command = line[:4].decode("ascii", "replace").upper()
                    script.requests.append(line)
                    answer(talk, command)
                    if command == "DATA":
                        self.take_text(lines)
                        answer(talk, "TEXT")

        def take_text(self, lines: Any) -> None:
            text = b""
            while (line := lines.readline()) not in (b".\r\n", b""):
                text += line
            script.requests.append(text)

    with running(Handler, script):
        yield script


@dataclass
class Relay:
    """Keeps every envelope. `refuses` gives an answer of its own to a recipient."""

    refuses: Callable[[str], str | None] = lambda _: None
    envelopes: list[Envelope] = field(default_factory=list)
    port: int = 0
    logins: list[bytes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def texts(self) -> list[bytes]:
        """The messages as they came."""
        return [each.content for each in self.envelopes if isinstance(each.content, bytes)]

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := self.refuses(address):
            return said
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        with self._lock:
            self.envelopes.append(envelope)
            return f"250 2.0.0 Ok: queued as Q{len(self.envelopes)}"

    def log_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login)
        return AuthResult(success=data.password == b"secret", handled=False)


@contextlib.contextmanager
def running_relay(
    *,
    refuses: Callable[[str], str | None] = lambda _: None,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    login: bool = False,
) -> Iterator[Relay]:
    """A relay of aiosmtpd on loopback for the block."""
    relay = Relay(refuses)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        relay.port = probe.getsockname()[1]
    controller = Controller(
        relay,
        hostname="127.0.0.1",
        port=relay.port,
        ssl_context=implicit,
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=relay.log_in if login else None,
        auth_required=login,
        auth_require_tls=starttls is not None,
    )
    controller.start()
    try:
        yield relay
    finally:
        controller.stop()
