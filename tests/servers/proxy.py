"""A small HTTP proxy that counts what it is asked for, and knows hosts that no name server knows."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.servers.scripted import Scripted, running


@dataclass
class Proxy:
    """asked: the target of each request, `host:port` of a CONNECT or the whole address"""

    script: Scripted
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.script.url


@contextlib.contextmanager
def counting_proxy(routes: Mapping[str, int] | None = None, *, refuse: int = 0) -> Iterator[Proxy]:
    """
    A proxy on loopback.

    Args:
        routes: host → port on loopback that it leads to; others are answered 502
        refuse: the status with which it answers everything instead
    """
    script = Scripted(())
    proxy = Proxy(script)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk: socket.socket = self.request
            head = b""
            while b"\r\n\r\n" not in head:
                if not (piece := talk.recv(65536)):
                    return
                head += piece
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
            proxy.asked.append(target)
            proxy.heads.append(head)
            port = (routes or {}).get(target.rsplit(":", 1)[0])
            if refuse or method != "CONNECT" or port is None:
                talk.sendall(b"HTTP/1.1 %d no\r\nContent-Length: 0\r\n\r\n" % (refuse or 502))
                return
            with socket.create_connection(("127.0.0.1", port)) as there:
                talk.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                _carry(talk, there)

    with running(Handler, script):
        yield proxy


def _carry(one: socket.socket, other: socket.socket) -> None:
    """What either says to the other, until one hangs up."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(one, selectors.EVENT_READ, other)
        waiting.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in waiting.select():
                try:
                    piece = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    key.data.sendall(piece)
                except OSError:
                    return
                if not piece:
                    return
