"""Servers that say and do exactly what a test tells them, over real sockets, in threads of this process."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

# What to do once a request was read: write, wait, hang up. `ended` is set when the test is over
Deed = Callable[[socket.socket, threading.Event], None]


@dataclass
class Scripted:
    """Does one deed a request, in order; the last one again and again. Remembers what came."""

    deeds: Sequence[Deed]
    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next_deed(self, request: bytes) -> Deed:
        with self._lock:
            self.requests.append(request)
            return self.deeds[min(len(self.requests), len(self.deeds)) - 1]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of many a test."""


@contextlib.contextmanager
def scripted_http(*deeds: Deed, tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    """An HTTP server on loopback that does `deeds`."""
    script = Scripted(deeds)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk: socket.socket = self.request
            if tls is not None:
                talk = tls.wrap_socket(talk, server_side=True)
            with talk:
                script.connections += 1
                while (request := read_request(talk)) is not None:
                    script.next_deed(request)(talk, script.ended)

    with running(Handler, script):
        yield script


@contextlib.contextmanager
def running(handler: type[socketserver.BaseRequestHandler], script: Scripted) -> Iterator[None]:
    """Serve with `handler` for the block."""
    with _Server(("127.0.0.1", 0), handler) as server:
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            script.ended.set()
            server.shutdown()
            thread.join()


def read_request(talk: socket.socket) -> bytes | None:
    """Head and body of one request; None when the client hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (piece := talk.recv(65536)):
            return None
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    in_pieces = b"transfer-encoding: chunked" in head.lower()
    while len(body) < length or (in_pieces and not body.endswith(b"0\r\n\r\n")):
        if not (piece := talk.recv(65536)):
            return None
        body += piece
    return head + b"\r\n\r\n" + body


def reply(status: int, body: bytes = b"", *headers: str, length: int | None = None) -> Deed:
    """Answer, with the body's true length unless told otherwise."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body) if length is None else length}"]
    return say("\r\n".join([*lines, *headers]).encode() + b"\r\n\r\n" + body)


def say(data: bytes) -> Deed:
    """Write these bytes, whatever they are."""
    return lambda talk, ended: talk.sendall(data)


def hang(talk: socket.socket, ended: threading.Event) -> None:
    """Say nothing more; to the client it is a peer that vanished."""
    ended.wait(30)


def hang_up(talk: socket.socket, ended: threading.Event) -> None:
    """Close in good order, without an answer."""
    talk.shutdown(socket.SHUT_RDWR)


def reset(talk: socket.socket, ended: threading.Event) -> None:
    """Close with RST."""
    talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.close()


def drip(data: bytes, *, every: float = 0.05) -> Deed:
    """Write one byte at a time."""

    def deed(talk: socket.socket, ended: threading.Event) -> None:
        for byte in data:
            talk.sendall(bytes([byte]))
            if ended.wait(every):
                return

    return deed


def never_end(head: bytes, piece: bytes) -> Deed:
    """Write `head`, then `piece` for ever."""

    def deed(talk: socket.socket, ended: threading.Event) -> None:
        talk.sendall(head)
        with contextlib.suppress(OSError):
            while not ended.is_set():
                talk.sendall(piece)

    return deed


def then(*deeds: Deed) -> Deed:
    """One after the other."""

    def deed(talk: socket.socket, ended: threading.Event) -> None:
        for each in deeds:
            each(talk, ended)

    return deed
