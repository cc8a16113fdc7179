"""An IMAP server that says what a test tells it."""

from __future__ import annotations

import contextlib
import socketserver
from collections.abc import Iterator

from tests.servers.scripted import Deed, Scripted, running, say

OK = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2\r\n{tag} OK done\r\n",
    "AUTHENTICATE": b"+ \r\n",
    "SELECT": b"* OK [UIDVALIDITY 5] x\r\n* 1 EXISTS\r\n{tag} OK done\r\n",
    "EXAMINE": b"* OK [UIDVALIDITY 5] x\r\n* 1 EXISTS\r\n{tag} OK done\r\n",
    "SEARCH": b"* SEARCH 3\r\n{tag} OK done\r\n",
    "LOGOUT": b"* BYE\r\n{tag} OK done\r\n",
}


@contextlib.contextmanager
def scripted_imap(
    greeting: Deed | bytes = b"* OK ready\r\n", **deeds: Deed | bytes
) -> Iterator[Scripted]:
    """A server that says `deeds` at the named commands, each with {tag}; with OK to any other."""
    script = Scripted(())

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.say(greeting, b"")
            with self.request.makefile("rb") as lines:
                while line := lines.readline():
                    script.requests.append(line)
                    tag, _, rest = line.strip().partition(b" ")
                    name = rest.upper().removeprefix(b"UID ").split(b" ")[0].decode() or "ANSWER"
                    self.say(deeds.get(name, OK.get(name, b"{tag} OK done\r\n")), tag)

        def say(self, deed: Deed | bytes, tag: bytes) -> None:
            if isinstance(deed, bytes):
                deed = say(deed.replace(b"{tag}", tag))
            with contextlib.suppress(OSError):
                deed(self.request, script.ended)

    with running(Handler, script):
        yield script
