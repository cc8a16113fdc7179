"""
The SMPP gateway for texts: a window of messages over one session, each judged by what the SMSC answers.

Blind (class B): SMPP has no key that is carried out once, and query_sm asks by the id that only an answer
gives, so that an unanswered submit_sm can never be asked about. Everything else is known: what the SMSC
answers is about that message alone (status.py), and what was not written was not sent.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from clinic.clock import SystemClock
from clinic.gateway.look import Look
from clinic.gateway.loop import LoopThread
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken, Turned
from clinic.gateway.smpp.alphabet import Piece, pieces_of
from clinic.gateway.smpp.heed import Heeder
from clinic.gateway.smpp.link import Link, NoSession
from clinic.gateway.smpp.manner import where_of, zone_of
from clinic.gateway.smpp.pdu import Address
from clinic.gateway.smpp.references import References
from clinic.gateway.smpp.session import NotBegun, Unanswered
from clinic.gateway.smpp.status import Status
from clinic.gateway.smpp.submit import NoTime, Submitter
from clinic.gateway.tally import Tally
from clinic.settings.gateways.smpp import SmppGateway

_NUMBER: Final = re.compile(r"\+?[1-9]\d{6,14}")


class SmppSms:
    """Sends texts to an SMSC. Any number of threads may call `send` at once: they share the session."""

    channel = "sms"
    gateway_class: GatewayClass = "B"
    window: timedelta | None = None
    per_request = 1

    def __init__(self, settings: SmppGateway, opening: Opening) -> None:
        """
        Binds at the first `send`: as a transceiver if `opening` has somebody who keeps what comes, else to
        send alone.

        Raises:
            SettingsWrong: there is no certificate in `authority_file`
        """
        self.name = opening.name
        self.batch_limit = settings.batch_limit
        self._settings = settings
        self._where = where_of(settings, opening.trust)
        self._zone = zone_of(settings)
        self._keeper = opening.keeper
        self._clock = opening.clock or SystemClock()
        # What is begun may wait for some answers: a long message for one a part
        self._begin_within = max(1.0, opening.call_seconds - 3 * settings.timeout_seconds)
        self._references = References(wide=settings.reference_bits == 16)
        self._opening = threading.Lock()
        self._thread: LoopThread | None = None
        self._link: Link | None = None

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Send each open message by itself; see the Protocol. `per_request` is always 1."""
        del key, per_request
        thread = self._opened()
        tally = Tally(only)
        todo = [message for message in messages if message.reference in only]
        thread.run(self._send(todo, tally))
        return tally.answer()

    def look(self) -> list[Look]:
        """Bind, and say how that went; nothing is sent."""
        try:
            self._opened().run(self._bind())
        except NoSession as error:
            return [Look(False, error.trouble)]
        return [Look(True, "it lets us bind")]

    async def _bind(self) -> None:
        assert self._link is not None
        await self._link.session(asyncio.get_running_loop().time() + self._begin_within)

    def _opened(self) -> LoopThread:
        with self._opening:
            if self._thread is None:
                self._thread = LoopThread("smpp")
                self._thread.run(self._open())
            return self._thread

    async def _open(self) -> None:
        if self._keeper is None:
            self._link = Link(self._where, "transmitter")
        else:
            heed = Heeder(self._keeper, gateway=self.name, zone=self._zone)
            self._link = Link(self._where, "transceiver", heed)
        self._submitter = Submitter(self._link, self._settings)
        self._slots = asyncio.Semaphore(self._settings.window)

    async def _send(self, messages: Sequence[Outgoing], tally: Tally) -> None:
        until = asyncio.get_running_loop().time() + self._begin_within
        each = iter(messages)
        count = min(self._settings.window, len(messages))
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(self._work(each, tally, until))

    async def _work(self, messages: Iterator[Outgoing], tally: Tally, until: float) -> None:
        """Send the next message until none is left; workers share one iterator, and all sends the window."""
        clock = asyncio.get_running_loop().time
        for message in messages:
            async with self._slots:
                if not tally.stopped and clock() < until:
                    await self._one(message, tally, until)
                    continue
            tally.not_sent([message.reference])
            tally.stop(retry_after=None if tally.stopped else 0.0)

    async def _one(self, message: Outgoing, tally: Tally, until: float) -> None:
        """One message, part by part: the next when the one before is taken, so that little is half sent."""
        if not _NUMBER.fullmatch(message.to):
            tally.note(message.reference, Turned("invalid_number", "no number of a mobile"))
            return
        to = Address(message.to.lstrip("+"), self._settings.dest_ton, self._settings.dest_npi)
        pieces = self._pieces(message)
        ids: list[str] = []
        for piece in pieces:
            try:
                first = None if ids else tally
                answer = await self._submitter.submit(
                    to, piece, message.reference, until=until, first=first
                )
            except NoSession as error:
                self._not_taken(message, tally, bool(ids), error.trouble)
                tally.stop(halt=error.halt)
                return
            except NoTime as error:
                trouble = "no time was left for its other parts" if ids else ""
                self._not_taken(message, tally, bool(ids), trouble)
                tally.stop(retry_after=None if tally.stopped else error.wait)
                return
            except NotBegun:
                self._not_taken(message, tally, bool(ids), "the SMSC ended the session")
                tally.stop()
                return
            except Unanswered:
                tally.blame("the SMSC did not answer, or the session was lost before it did")
                tally.stop()  # ambiguous; who does not answer is not asked for more
                return
            if isinstance(answer, Status):
                self._refused(message, tally, answer, len(ids), len(pieces))
                return
            ids.append(answer)
        parts = tuple(ids) if all(ids) else ()
        tally.note(message.reference, Taken(ids[0], parts=parts))

    def _pieces(self, message: Outgoing) -> Sequence[Piece]:
        wide = self._settings.reference_bits == 16
        pieces = pieces_of(message.body, 0, wide=wide)
        if len(pieces) == 1:
            return pieces
        first, now = message.reference, self._clock.elapsed()
        return pieces_of(message.body, self._references.take(message.to, first, now), wide=wide)

    def _refused(self, message: Outgoing, tally: Tally, status: Status, gone: int, of: int) -> None:
        """What a status proves, which is less where parts of the message have left already."""
        says = f"{status.name}: {status.says}"
        if status.does == "refused" and gone:
            says = f"part {gone + 1} of {of}, after {gone} that it took: {says}"
            tally.note(message.reference, Turned("smpp_part_refused", says))
        elif status.does == "refused":
            tally.note(message.reference, Turned(status.code, says))
        else:
            self._not_taken(message, tally, bool(gone), f"the SMSC answers {says}")
            if status.does == "halt":
                tally.stop(halt=status.code)
            elif status.does == "wait":
                tally.stop(retry_after=self._submitter.pace.pause)

    def _not_taken(self, message: Outgoing, tally: Tally, begun: bool, trouble: str) -> None:
        """Not sent; or, if some of its parts were, nobody's to send again: it stays without a word."""
        tally.blame(trouble)
        if not begun:
            tally.not_sent([message.reference])

    def close(self) -> None:
        """Unbind, and end the thread; a later `send` binds again."""
        with self._opening:
            thread, self._thread = self._thread, None
        if thread is not None:
            assert self._link is not None
            thread.run(self._link.close())
            thread.close()
