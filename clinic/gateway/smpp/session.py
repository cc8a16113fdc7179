"""
One bound session: what we ask and what is answered, what comes by itself, and signs of life both ways.

    submit ─► window ─► written ─► answered in time │ refused │ no answer: nobody knows (Unanswered)
    deliver_sm ─► kept on disk by `heed` ─► confirmed; not kept ─► "later", and the SMSC sends it again

A request ends: by its answer, by the answer's time, or with the session. None of these holds a slot of the
window any longer. The session ends when the SMSC unbinds, is silent to enquire_link, or sends what is no
SMPP; also when it says that the session is not bound, once what was asked before has ended. Belongs to one
event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, cast

from clinic.gateway.smpp import pdu
from clinic.gateway.smpp.pdu import Packet

Heed = Callable[[Packet], Awaitable[bool]]
_TICKS: Final = 4  # looks in the time of one answer
_GOODBYE_SECONDS: Final = 2.0


class Unanswered(Exception):
    """A request was written, and nobody will say what became of it."""


class NotBegun(Exception):
    """The session was over before the request was written: it was not sent."""


class Session(asyncio.Protocol):
    """
    A connection to an SMSC.

    over: it has ended
    left: it is of no use any more, and ends when all that was asked on it has; nobody asks for more
    """

    def __init__(self, *, timeout: float, enquire_every: float, heed: Heed | None = None) -> None:
        """
        Args:
            timeout: seconds within which an answer counts
            enquire_every: seconds of silence after which we ask whether anybody is there
            heed: keeps a deliver_sm; true: it is on disk. None: nobody takes them here
        """
        self.over = False
        self.left = False
        self._loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._enquire_every = enquire_every
        self._heed = heed
        self._splitter = pdu.Splitter()
        # In the order of their deadlines, which are all as far away
        self._open: dict[int, tuple[asyncio.Future[Packet], float]] = {}
        self._sequence = 0
        self._heard = 0.0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._leaving: asyncio.Task[None] | None = None
        self._out: list[bytes] = []
        self._enquiring = False
        self._gone = asyncio.Event()

    # --- what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one, and no subclass
        self._transport, self._heard = cast(asyncio.Transport, transport), self._loop.time()
        self._tick()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        self._gone.set()

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            for packet in self._splitter.feed(data):
                self._take(packet)
        except pdu.Garbage:
            self.abort()

    # --- what we ask

    async def ask(self, make: Callable[[int], bytes]) -> Packet:
        """
        Send the request that `make` gives for a sequence number, and wait for its answer.

        Raises:
            NotBegun: nothing was written
            Unanswered: no answer, or none in time
        """
        if self.over:
            raise NotBegun
        self._sequence = self._sequence % pdu.MOST_SEQUENCE + 1
        number = self._sequence
        request = make(number)
        answer: asyncio.Future[Packet] = self._loop.create_future()
        self._open[number] = answer, self._loop.time() + self._timeout
        self._write(request)
        try:
            return await answer
        finally:
            self._open.pop(number, None)

    async def ended(self) -> None:
        """Wait until it is over."""
        await self._gone.wait()

    def leave(self) -> None:
        """Ask for nothing more, and close it when what was asked has ended: the SMSC takes nothing on it."""
        if not self.left:
            self.left = True
            self._leaving = self._loop.create_task(self._close_soon())

    async def _close_soon(self) -> None:
        if asked := [answer for answer, _ in self._open.values()]:
            await asyncio.wait(asked)  # each has its time
        await self.close()

    async def close(self) -> None:
        """Unbind, let what came in be kept and confirmed, and hang up."""
        if not self.over:
            try:
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await self.ask(lambda number: pdu.plain(pdu.UNBIND, number))
                    await asyncio.gather(*self._tasks, return_exceptions=True)
            except (TimeoutError, NotBegun, Unanswered):
                pass
        self._end()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            self.abort()
            await asyncio.sleep(0)

    def abort(self) -> None:
        """Hang up without a word: nothing that was asked will be answered."""
        self._end()
        if self._transport is not None:
            self._transport.abort()  # who does not answer does not read either

    # --- what comes

    def _take(self, packet: Packet) -> None:
        if packet.command & pdu.RESPONSE:
            found = self._open.get(packet.sequence)
            if found is not None and not found[0].done():
                found[0].set_result(packet)
        elif packet.command == pdu.DELIVER:
            self._start(self._deliver(packet))
        elif packet.command == pdu.ENQUIRE_LINK:
            self._respond(packet)
        elif packet.command == pdu.UNBIND:
            self._respond(packet)
            self._flush()
            self._end()
        elif packet.command != pdu.ALERT:  # which wants no answer
            self._write(pdu.plain(pdu.GENERIC_NACK, packet.sequence, status=pdu.UNKNOWN_COMMAND))

    async def _deliver(self, packet: Packet) -> None:
        kept = self._heed is not None and await self._heed(packet)
        # A deliver_sm_resp has an empty message_id
        self._respond(packet, status=pdu.OK if kept else pdu.NOT_KEPT, body=b"\0")

    def _respond(self, packet: Packet, *, status: int = pdu.OK, body: bytes = b"") -> None:
        self._write(
            pdu.plain(packet.command | pdu.RESPONSE, packet.sequence, status=status, body=body)
        )

    # --- how it lives and ends

    def _write(self, data: bytes) -> None:
        """Gathered: what is written in one turn of the loop leaves in one piece."""
        if self.over:
            return
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(data)

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self.over:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tick(self) -> None:
        """Give up what is past its time, and ask for a sign of life after a silence."""
        now = self._loop.time()
        for number, (answer, until) in list(self._open.items()):
            if until > now:
                break
            self._open.pop(number)
            if not answer.done():
                answer.set_exception(Unanswered())
        if now - self._heard > self._enquire_every and not self._enquiring:
            self._enquiring = True
            self._start(self._enquire())
        wait = min(self._timeout / _TICKS, self._enquire_every)
        self._timer = self._loop.call_later(wait, self._tick)

    async def _enquire(self) -> None:
        try:
            answer = await self.ask(lambda number: pdu.plain(pdu.ENQUIRE_LINK, number))
            if answer.status == pdu.NOT_BOUND:
                self.leave()
        except (NotBegun, Unanswered):
            self.abort()
        finally:
            self._enquiring = False

    def _end(self) -> None:
        if self.over:
            return
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()
        for answer, _ in self._open.values():
            if not answer.done():
                answer.set_exception(Unanswered())
        self._open.clear()
