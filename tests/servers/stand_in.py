"""A stand-in for a FHIR server: answers what a test tells it for a path, and remembers who asked with what."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: str = ""


@dataclass(frozen=True)
class Said:
    """One answer. `body`: an object, or the text of a file."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False  # it says more bytes than it gives


@dataclass
class StandIn:
    """`answer`: what it says to a request; None: 404."""

    answer: Callable[[Asked], Said | None]
    port: int = 0
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/fhir"

    def paths(self) -> list[str]:
        """Of all requests, in order."""
        return [each.path for each in self.asked]


@contextlib.contextmanager
def standing_in(
    answer: Callable[[Asked], Said | None], *, tls: ssl.SSLContext | None = None
) -> Iterator[StandIn]:
    """A server on loopback that says what `answer` says."""
    stand_in = StandIn(answer, scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            raw_body = self.rfile.read(length)
            if len(raw_body) < length:  # cut on the way: a server does nothing of it
                return
            body = raw_body.decode()
            asked = Asked(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
            stand_in.asked.append(asked)
            said = stand_in.answer(asked) or Said({"resourceType": "OperationOutcome"}, 404)
            raw = said.body if isinstance(said.body, str) else json.dumps(said.body)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw.encode()) + 1000 * said.cut))
            self.end_headers()
            self.wfile.write(raw.encode())

        do_POST = do_GET  # noqa: N815  # as the library names them
        do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Nothing on the test's own output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stand_in.port = server.server_address[1]
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield stand_in
        finally:
            server.shutdown()
            thread.join()
