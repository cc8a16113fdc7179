"""
The gateway's end of the process that holds its calls (agent.py): orders to its input, news from its output.

It is started at the first call, and again after it ended. A call whose process ended tells no more: `Gone`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
import threading
import uuid
from collections.abc import Mapping
from typing import Any, Final

_START_SECONDS: Final = 20.0
_END_SECONDS: Final = 5.0


class NotStarted(Exception):
    """It did not come up: no call was begun."""


class Gone(Exception):
    """It ended while it held this call."""


class Held:
    """A call that the process holds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.name = uuid.uuid4().hex
        self.answered = False
        self.begun: asyncio.Future[Mapping[str, Any]] = loop.create_future()  # what came first
        self.end: asyncio.Future[Mapping[str, Any]] = loop.create_future()
        self.key = asyncio.Event()

    def take(self, said: Mapping[str, Any]) -> None:
        """What the process tells of it."""
        self.answered = self.answered or said["at"] == "answered"
        if said["at"] == "key":
            return self.key.set()
        for future in (self.begun, self.end if said["at"] == "end" else self.begun):
            if not future.done():
                future.set_result(said)

    def lose(self) -> None:
        """Nothing more will be told."""
        for future in (self.begun, self.end):
            if not future.done():
                future.set_exception(Gone())
                future.exception()  # not everybody waits for both


class AgentProcess:
    """Belongs to one event loop."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """settings: what agent.py is set up with"""
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._ready: asyncio.Future[None] | None = None
        self._reader: threading.Thread | None = None
        self._held: dict[str, Held] = {}

    async def call(self, to: str, reference: int, text: bytes) -> Held:
        """
        Begin a call.

        Raises:
            NotStarted: the process did not come up, or takes nothing more
        """
        child = await self.start()
        held = Held(asyncio.get_running_loop())
        self._held[held.name] = held
        order = {
            "call": held.name, "to": to, "reference": str(reference),
            "text": base64.b64encode(text).decode(),
        }  # fmt: skip
        try:
            await asyncio.to_thread(_write, child, order)
        except OSError:
            # Its end is told in time by its output, as of every other call
            held.lose()
        return held

    async def keep(self, held: Held) -> None:
        """The 9 that was pressed is in the record."""
        if self._child is not None:
            await asyncio.to_thread(_write, self._child, {"kept": held.name})

    async def start(self) -> subprocess.Popen[bytes]:
        """
        The process, up and waiting for orders.

        Raises:
            NotStarted: it did not come up
        """
        if self._child is None or self._child.poll() is not None:
            self._lose_all()
            self._ready = asyncio.get_running_loop().create_future()
            # Ctrl-C is for the worker, which lets its calls come to their end
            self._child = subprocess.Popen(
                [sys.executable, "-m", "clinic.gateway.voice.sip.agent"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            loop = asyncio.get_running_loop()
            self._reader = threading.Thread(
                target=self._read, args=(self._child, loop), daemon=True
            )
            self._reader.start()
            await asyncio.to_thread(_write, self._child, self._settings)
        child, ready = self._child, self._ready
        assert ready is not None
        try:
            await asyncio.wait_for(asyncio.shield(ready), _START_SECONDS)
        except (TimeoutError, Gone):
            child.kill()
            raise NotStarted from None
        return child

    def _read(self, child: subprocess.Popen[bytes], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: a line of the process is handed to the loop."""
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                loop.call_soon_threadsafe(self._take, json.loads(line))
        child.wait()
        _close(child)
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._ended, child)

    def _take(self, said: Mapping[str, Any]) -> None:
        if said["at"] == "ready":
            if self._ready is not None and not self._ready.done():
                self._ready.set_result(None)
            return
        held = self._held.get(said["id"])
        if held is not None:
            held.take(said)
            if said["at"] == "end":
                del self._held[said["id"]]

    def _ended(self, child: subprocess.Popen[bytes]) -> None:
        if child is self._child:
            self._lose_all()

    def _lose_all(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(Gone())
        held, self._held = self._held, {}
        for one in held.values():
            one.lose()

    def close(self) -> None:
        """End it; what it still holds it hangs up."""
        child, self._child = self._child, None
        if child is None:
            return
        _close(child)
        try:
            child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if self._reader is not None:
            self._reader.join()


def _close(child: subprocess.Popen[bytes]) -> None:
    """Its input. One that has ended takes no rest of it."""
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.close()


def _write(child: subprocess.Popen[bytes], order: Mapping[str, Any]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(order).encode() + b"\n")
    child.stdin.flush()
