"""
One call from its dialling to its end: it rings, somebody answers, we listen, speak, and hear a key.

    the recorded opening, if there is one · the text · "to stop these calls, press 9", and 3 seconds for it ·
    the text once more · the same

A key counts from the first time that it was said what 9 does; a press before that shows that a person is there.
Of each call one `end` is told, with all that is known of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from baresip.errors import AudioNotActive, AudioRestarted, BaresipError
from baresip.events import Event

from clinic.gateway.voice.sip.ear import Ear

# Without a ringing tone: longer than the 32 s after which an INVITE that nobody answers ends by itself
SILENT_SECONDS: Final = 40.0
_TICK: Final = 0.05
_AHEAD: Final = 8_000  # bytes that wait to be sent: half a second
_NO_SOUND: Final = 5.0  # after which a call whose sound does not begin is hung up
_FOR_A_KEY: Final = 3.0
_KEPT_WITHIN: Final = 20.0
_STOP_KEY: Final = "9"


class _NoSound(Exception):
    """The call was answered, and carries nothing."""


class Sounds(NamedTuple):
    """What is said, as the telephone carries it."""

    opening: bytes
    stopping: bytes
    stopped: bytes
    text: bytes


class Talk:
    """A call. `kept`: set when the record has the 9 that was pressed."""

    def __init__(self, call: Any, sounds: Sounds, tell: Callable[[dict[str, Any]], None]) -> None:
        self.kept = asyncio.Event()
        self._call = call
        self._sounds = sounds
        self._tell = tell
        self._rang = asyncio.Event()
        self._answered = asyncio.Event()
        self._closed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._pressed = asyncio.Event()
        self._asked = False
        self._heard = False
        self._who = ""

    def take(self, event: Any) -> None:
        """What the stack tells of it."""
        if event.event in (Event.CALL_RINGING, Event.CALL_PROGRESS) and not self._rang.is_set():
            self._rang.set()
            self._tell({"at": "ringing"})
        elif event.event is Event.CALL_ESTABLISHED and not self._answered.is_set():
            self._answered.set()
            self._tell({"at": "answered"})
        elif event.event is Event.CALL_CLOSED and not self._closed.done():
            self._closed.set_result(event.text or "")
        elif event.event is Event.CALL_DTMF_START and event.text:
            self._who = "human"  # a machine presses nothing
            if self._asked and event.text == _STOP_KEY:
                self._pressed.set()

    async def run(self, *, ring_seconds: float, listen: bool) -> None:
        """Until it is over."""
        ours = False
        if not await self._before_end(self._rang_or_answered(), SILENT_SECONDS):
            ours = True
        elif not await self._before_end(self._answered.wait(), ring_seconds):
            ours = True
        else:
            with contextlib.suppress(_NoSound):
                await self._before_end(self._speak(listen), None)
        if self._closed.done():
            ours = False  # it ended by itself
        else:
            await self.hang_up()
        self._end(ours)

    async def _rang_or_answered(self) -> None:
        waits = [asyncio.ensure_future(one.wait()) for one in (self._rang, self._answered)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _before_end(self, work: Any, seconds: float | None) -> bool:
        """Wait for `work`, but not longer than so many seconds, nor than the call; whether it was done."""
        task = asyncio.ensure_future(work)
        await asyncio.wait(
            [task, self._closed], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not task.done():
            task.cancel()
            return False
        task.result()
        return True

    async def _speak(self, listen: bool) -> None:
        if listen:
            await self._listen()
        await self._say(self._sounds.opening)
        for _ in range(2):
            await self._say(self._sounds.text)
            self._heard = self._asked = True
            await self._say(self._sounds.stopping)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._pressed.wait(), _FOR_A_KEY)
            if self._pressed.is_set():
                return await self._stop()

    async def _listen(self) -> None:
        ear, clock = Ear(), asyncio.get_running_loop().time
        began = clock()
        while not ear.listen(self._read(), clock() - began):
            await asyncio.sleep(_TICK)
        self._who = self._who or ear.who

    def _read(self) -> bytes:
        try:
            return bytes(self._call.audio.read(1 << 16))
        except (AudioNotActive, AudioRestarted):
            return b""

    async def _stop(self) -> None:
        """The key was pressed: it is said when it is kept, and never before."""
        self._tell({"at": "key"})
        with contextlib.suppress(AudioNotActive, AudioRestarted):
            self._call.audio.flush_tx()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.kept.wait(), _KEPT_WITHIN)
            self._pressed.clear()
            await self._say(self._sounds.stopped)

    async def _say(self, sound: bytes) -> None:
        """Until all of it has left; a 9 that counts cuts it short."""
        at, silent = 0, 0.0
        while not self._pressed.is_set():
            try:
                waiting = self._call.audio.info().tx_buffered
                if at >= len(sound) and not waiting:
                    return
                at += self._call.audio.write(sound[at : at + max(0, _AHEAD - waiting)])
                silent = 0.0
            except (AudioNotActive, AudioRestarted):
                silent += _TICK
            if silent >= _NO_SOUND:
                raise _NoSound
            await asyncio.sleep(_TICK)

    async def hang_up(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(BaresipError):
            await self._call.hangup()

    def _end(self, ours: bool) -> None:
        text = self._closed.result() if self._closed.done() else ""
        code, _, _ = text.partition(" ")
        errno = text.rpartition("[")[2].rstrip("]")
        self._tell({
            "at": "end", "status": int(code) if len(code) == 3 and code.isdigit() else 0,
            "errno": int(errno) if errno.isdigit() else 0, "ours": ours, "rang": self._rang.is_set(),
            "answered": self._answered.is_set(), "heard": self._heard, "who": self._who,
        })  # fmt: skip
