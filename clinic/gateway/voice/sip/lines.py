"""The lines of a trunk: each holds one call, from its beginning to what is told of its end."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from collections.abc import Mapping
from typing import Any, Final

from clinic.gateway.look import Look
from clinic.gateway.protocol import Outgoing, Taken, Turned
from clinic.gateway.tally import Tally
from clinic.gateway.voice.sip.ask import Where, ask, says_why
from clinic.gateway.voice.sip.process import AgentProcess, Gone, Held, NotStarted
from clinic.gateway.voice.sip.speech import Unspoken, speak
from clinic.gateway.voice.sip.statuses import answer_of, outcome_of
from clinic.gateway.voice.sip.telling import Teller
from clinic.settings.gateways.sip import SipTrunk

RINGS_WITHIN: Final = 45.0  # seconds until a call that does not ring has ended (talk.py)
_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
_ALIVE: Final = 60.0  # a sign of life is good for so long
_LONGEST: Final = 900.0  # of a call, whatever happens
# No INVITE left: protocol (of TLS), no address, none of ours, no network, refused, no host (errno(3))
_NEVER_LEFT: Final = frozenset({71, 89, 99, 101, 111, 113})


class Lines:
    """Belongs to one event loop."""

    def __init__(
        self, settings: SipTrunk, section: str, where: Where, prompt: bytes, teller: Teller
    ) -> None:
        self._settings = settings
        self._section = section
        self._where = where
        self._prompt = prompt
        self._teller = teller
        self._free = asyncio.Semaphore(settings.most_calls)
        self._followed: set[asyncio.Task[None]] = set()
        self._alive_until = 0.0
        self._process: AgentProcess | None = None

    async def ready(self, tally: Tally) -> bool:
        """Whether the trunk gave a sign of life lately, and we can speak; why not is in the tally."""
        clock = asyncio.get_running_loop().time
        try:
            await self._made()
            if clock() >= self._alive_until:
                await ask(self._where, self._settings.timeout_seconds)
                self._alive_until = clock() + _ALIVE
        except Unspoken as why:
            tally.stop()
            tally.blame(str(why))
        except (OSError, ValueError) as error:
            tally.stop(halt="gateway-tls" if isinstance(error, ssl.SSLError) else None)
            tally.blame(f"the trunk {says_why(error)}")
        return clock() < self._alive_until

    async def starts(self) -> Look:
        """Whether calls can be made and spoken here; nothing is sent."""
        try:
            await (await self._made()).start()
        except Unspoken as why:
            return Look(False, str(why))
        except NotStarted:
            return Look(
                False, "the process that calls does not start: pip install 'cohort[sip]' again"
            )
        return Look(True, f"calls can be made here, and are spoken in {self._settings.language}")

    async def _made(self) -> AgentProcess:
        if self._process is None:
            stopping = [await self._spoken(one) for one in self._settings.stopping]
            self._process = AgentProcess(self._set_up(stopping))
        return self._process

    async def _spoken(self, text: str) -> bytes:
        return await asyncio.to_thread(speak, text, self._settings.language)

    def _set_up(self, stopping: list[bytes]) -> Mapping[str, Any]:
        own = self._settings
        return {
            "host": own.host, "port": own.port, "transport": own.transport, "domain": own.domain,
            "sender": own.sender, "user": own.user, "password": own.password.get_secret_value(),
            "authority_file": own.authority_file or ssl.get_default_verify_paths().cafile or "",
            "most_calls": own.most_calls, "ring_seconds": own.ring_seconds,
            "detect_machines": own.detect_machines,
            "sounds": [base64.b64encode(one).decode() for one in (self._prompt, *stopping)],
        }  # fmt: skip

    async def call(self, message: Outgoing, tally: Tally, until: float) -> None:
        """Call on the next free line, and return when it rings or has failed."""
        if not _NUMBER.fullmatch(message.to):
            tally.note(message.reference, Turned("invalid_number", "no number of a telephone"))
            return
        left = until - asyncio.get_running_loop().time()
        try:
            await asyncio.wait_for(self._free.acquire(), left)
        except TimeoutError:
            tally.not_sent([message.reference])
            tally.blame(f"no line was free ({self._section}.most_calls)")
            tally.stop(retry_after=None if tally.stopped else 0.0)
            return
        held = None
        try:
            held = await self._begin(message, tally)
        finally:
            if held is None:
                self._free.release()
            else:
                task = asyncio.create_task(self._follow(held, message))
                self._followed.add(task)
                task.add_done_callback(self._followed.discard)

    async def _begin(self, message: Outgoing, tally: Tally) -> Held | None:
        """The call, if it rings; else what that proves of its message is noted."""
        assert self._process is not None
        if tally.stopped:
            tally.not_sent([message.reference])
            return None
        try:
            text = await self._spoken(message.body)
            held = await self._process.call(message.to, message.reference, text)
        except (Unspoken, NotStarted) as why:
            tally.not_sent([message.reference])
            tally.stop()
            tally.blame(str(why) or "the process that calls did not start (cohort gateways check)")
            return None
        try:
            began = await held.begun
        except Gone:
            tally.stop()
            tally.blame("the process that calls ended before the call rang")
            return None
        if began["at"] == "end":
            self._judge_end(began, message.reference, tally)
            return None
        tally.note(message.reference, Taken(gateway_ref=held.name))
        return held

    def _judge_end(self, end: Mapping[str, Any], reference: int, tally: Tally) -> None:
        """Of a call that did not ring."""
        if end.get("undialled") or end["errno"] in _NEVER_LEFT:
            tally.not_sent([reference])
            tally.stop()
            tally.blame("the trunk cannot be reached")
        elif end["ours"]:  # it said that it tries, and nothing more
            tally.note(reference, Turned("call_failed", "it did not ring in time"))
        elif not end["status"]:
            self._alive_until = 0.0
            tally.stop()
            tally.blame("the trunk did not answer a call, or cut the connection")
        else:
            self._judge_status(end["status"], reference, tally)

    def _judge_status(self, status: int, reference: int, tally: Tally) -> None:
        row = answer_of(status)
        if not row.is_the_trunk:
            tally.note(reference, Turned(outcome_of(status).reason, f"{status}: {row.why}"))
            return
        tally.not_sent([reference])
        tally.blame(f"the trunk answers {status}: {row.why}")
        if row.halt:
            tally.stop(halt=row.halt)
        else:
            tally.stop(retry_after=row.waits)

    async def _follow(self, held: Held, message: Outgoing) -> None:
        """A call that rings, until it is over and told of."""
        pressed = asyncio.create_task(self._stop(held, message))
        try:
            async with asyncio.timeout(_LONGEST):
                end = await held.end
            await self._teller.ended(held.name, message.reference, end)
            if held.key.is_set():
                await pressed
        except (Gone, TimeoutError):
            pass  # nobody knows: it stays accepted, and nobody is called again for it
        finally:
            pressed.cancel()
            self._free.release()

    async def _stop(self, held: Held, message: Outgoing) -> None:
        """Keep the 9, and only then let it be said that the calls are stopped."""
        await held.key.wait()
        if await self._teller.stopped(held.name, message.to):
            assert self._process is not None
            await self._process.keep(held)

    async def finish(self) -> None:
        """Wait for the calls that are under way."""
        if self._followed:
            await asyncio.wait(self._followed)

    async def close(self) -> None:
        """End the process; what is still under way is hung up."""
        if self._process is not None:
            await asyncio.to_thread(self._process.close)
