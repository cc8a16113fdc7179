"""A proxy between us and a server that spoils the way: late, cut, garbled, dripping."""

from __future__ import annotations

import contextlib
import selectors
import socket
import socketserver
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.servers.scripted import Scripted, running


@dataclass
class Fault:
    """
    What happens on the way; changed while it runs, it holds for what comes next.

    delay: seconds before each piece goes on; drip: bytes that go on at once, each with a pause
    cut_out, cut_in: bytes after which the way to the server, or back, ends both
    garbage_in: bytes from the server after which nonsense takes their place; silent_in: nothing comes back
    """

    delay: float = 0.0
    drip: int = 0
    cut_out: int = -1
    cut_in: int = -1
    garbage_in: int = -1
    silent_in: bool = False


class FaultProxy:
    """A proxy at `port`."""

    def __init__(self, script: Scripted, fault: Fault) -> None:
        self.script, self.fault = script, fault
        self.struck = 0  # how often a fault hit something

    @property
    def port(self) -> int:
        return self.script.port


@contextlib.contextmanager
def fault_proxy(to: int, fault: Fault | None = None) -> Iterator[FaultProxy]:
    """A proxy to a port of loopback."""
    script = Scripted(())
    proxy = FaultProxy(script, fault or Fault())

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            script.connections += 1
            with socket.create_connection(("127.0.0.1", to)) as there:
                _carry(self.request, there, proxy)

    with running(Handler, script):
        yield proxy


def _carry(here: socket.socket, there: socket.socket, proxy: FaultProxy) -> None:
    passed = {here: 0, there: 0}
    with selectors.DefaultSelector() as waiting:
        waiting.register(here, selectors.EVENT_READ, there)
        waiting.register(there, selectors.EVENT_READ, here)
        while True:
            for key, _ in waiting.select():
                talk: socket.socket = key.fileobj  # type: ignore[assignment]
                try:
                    piece = talk.recv(65536)
                    if not piece or not _pass_on(
                        piece, talk is there, passed, talk, key.data, proxy
                    ):
                        here.shutdown(socket.SHUT_RDWR)
                        return
                except OSError:
                    return


def _pass_on(
    piece: bytes,
    back: bool,
    passed: dict[socket.socket, int],
    talk: socket.socket,
    other: socket.socket,
    proxy: FaultProxy,
) -> bool:
    """Whether the way is still there after it."""
    fault = proxy.fault
    if fault.delay:
        proxy.struck += 1
        time.sleep(fault.delay)
    if back and fault.silent_in:
        proxy.struck += 1
        return True
    limit = fault.cut_in if back else fault.cut_out
    if limit >= 0 and passed[talk] + len(piece) > limit:
        proxy.struck += 1
        other.sendall(piece[: max(0, limit - passed[talk])])
        return False
    if back and 0 <= fault.garbage_in < passed[talk] + len(piece):
        proxy.struck += 1
        piece = b"\xff" * len(piece)
    passed[talk] += len(piece)
    if fault.drip:
        proxy.struck += 1
        for at in range(0, len(piece), fault.drip):
            other.sendall(piece[at : at + fault.drip])
            time.sleep(0.001)
    else:
        other.sendall(piece)
    return True
