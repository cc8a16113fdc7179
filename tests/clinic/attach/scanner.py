"""A clamd that answers as it is told, by a real socket."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path


@contextlib.contextmanager
def scanner(now: datetime, version: str | None, verdict: str | None) -> Iterator[str]:
    """Its socket. None: it is killed as it is asked."""
    days = {
        "now": f"{now:%a %b %d %H:%M:%S %Y}",
        "old": f"{now - timedelta(days=8):%a %b %d %H:%M:%S %Y}",
    }
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as there:
        path = str(Path(folder) / "clamd.ctl")
        there.bind(path)
        there.listen()
        threading.Thread(target=_answer, args=(there, days, version, verdict), daemon=True).start()
        yield path


def _answer(
    there: socket.socket, days: dict[str, str], version: str | None, verdict: str | None
) -> None:
    with contextlib.suppress(OSError):
        while True:
            caller, _ = there.accept()
            with caller:
                asked = caller.recv(64)
                says = version if asked.startswith(b"zVERSION") else verdict
                if says is None:
                    continue
                if asked.startswith(b"zINSTREAM"):
                    _read_stream(caller, asked)
                caller.sendall(says.format(**days).encode() + b"\0")


def _read_stream(caller: socket.socket, asked: bytes) -> None:
    got = asked
    while not got.endswith(bytes(4)):
        got += caller.recv(65536)
