"""
The gateway for calls by a SIP trunk: a call for each message while a line is free, its outcome by a receipt.

Blind (class B): a trunk knows no key and no reference. `send` ends when the phone rings, or the trunk has said
no. What follows is kept by the process that sends, for as long as its calls last: who answered, and the 9 that
stops such calls (docs/decisions/0052).
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import ssl
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from clinic.clock import SystemClock
from clinic.errors import SettingsWrong
from clinic.gateway.look import Look
from clinic.gateway.loop import LoopThread
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Answer, GatewayClass, Outgoing
from clinic.gateway.tally import Tally
from clinic.gateway.voice.sip.ask import Where, ask, says_why
from clinic.gateway.voice.sip.lines import RINGS_WITHIN, Lines
from clinic.gateway.voice.sip.speech import PROGRAM, Unspoken, read_wav
from clinic.gateway.voice.sip.statuses import answer_of
from clinic.gateway.voice.sip.telling import Teller
from clinic.settings.gateways.sip import SipTrunk


class SipCalls:
    """Calls. Any number of threads may call `send` at once: they share the lines."""

    channel = "voice"
    gateway_class: GatewayClass = "B"
    window: timedelta | None = None
    per_request = 1

    def __init__(self, settings: SipTrunk, opening: Opening) -> None:
        """
        Starts the process that calls at the first `send`.

        Raises:
            SettingsWrong: the library is not installed, a file cannot be used, or the lease is too short
        """
        self.name = opening.name
        self.batch_limit = settings.most_calls
        self._settings = settings
        self._section = f"gateways.{opening.name}"
        self._begin_within = opening.call_seconds - RINGS_WITHIN
        if self._begin_within < 1:
            raise SettingsWrong(
                "gateway-lease",
                f"a call of {self._section} may take {RINGS_WITHIN:.0f} s until it rings, and a batch is not "
                f"held for so long: set lease_seconds to {3 * (RINGS_WITHIN + 10):.0f} or more",
            )
        if importlib.util.find_spec("baresip") is None:
            raise SettingsWrong(
                "gateway-extra",
                f"{self._section} is of type sip, which needs a SIP library: pip install 'cohort[sip]'",
            )
        if shutil.which(PROGRAM) is None:
            raise SettingsWrong(
                "sound-program",
                f"{self._section} reads calls aloud by {PROGRAM}, which is not here: apt-get install {PROGRAM}",
            )
        self._prompt = self._read_prompt()
        trust = self._trust(opening)
        self._where = Where(
            settings.host, settings.port, settings.transport, settings.sender, trust
        )
        self._teller = Teller(opening.name, opening.keeper, opening.clock or SystemClock())
        self._opening = threading.Lock()
        self._thread: LoopThread | None = None
        self._lines: Lines | None = None

    def _read_prompt(self) -> bytes:
        path = self._settings.prompt_file
        try:
            return read_wav(Path(path).read_bytes()) if path else b""
        except (OSError, Unspoken):
            raise SettingsWrong(
                "gateway-prompt",
                f"{self._section}.prompt_file is no WAV of 16 bits that can be read: record it as one",
            ) from None

    def _trust(self, opening: Opening) -> ssl.SSLContext | None:
        if self._settings.transport != "tls":
            return None
        try:
            own = self._settings.authority_file or None
            return opening.trust or ssl.create_default_context(cafile=own)
        except OSError:  # an SSLError is one
            raise SettingsWrong(
                "gateway-tls",
                f"{self._section}.authority_file is no file with a certificate (PEM) that can be read",
            ) from None

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Call for each open message; see the Protocol. `per_request` is always 1."""
        del key, per_request
        tally = Tally(only)
        todo = [message for message in messages if message.reference in only]
        self._opened().run(self._send(todo, tally))
        return tally.answer(messages)

    def look(self) -> list[Look]:
        """Whether the trunk gives a sign of life, and whether calls can be made and spoken here."""
        thread = self._opened()
        assert self._lines is not None
        return [thread.run(self._greet()), thread.run(self._lines.starts())]

    async def _greet(self) -> Look:
        try:
            status = await ask(self._where, self._settings.timeout_seconds)
        except (OSError, ValueError) as error:
            return Look(False, f"the trunk {says_why(error)}")
        if answer_of(status).halt:
            return Look(None, f"it answers {status}; its login, which a call alone tries")
        return Look(True, f"it answers (OPTIONS: {status})")

    def _opened(self) -> LoopThread:
        with self._opening:
            if self._thread is None:
                self._thread = LoopThread("sip")
                self._thread.run(self._open())
            return self._thread

    async def _open(self) -> None:
        self._lines = Lines(self._settings, self._section, self._where, self._prompt, self._teller)

    async def _send(self, messages: Sequence[Outgoing], tally: Tally) -> None:
        assert self._lines is not None
        until = asyncio.get_running_loop().time() + self._begin_within
        if not await self._lines.ready(tally):
            return tally.not_sent([one.reference for one in messages])
        async with asyncio.TaskGroup() as group:
            for message in messages:
                group.create_task(self._lines.call(message, tally, until))

    def close(self) -> None:
        """Wait for the calls that are under way, and end their process; a later `send` starts another."""
        with self._opening:
            thread, self._thread = self._thread, None
        if thread is not None:
            assert self._lines is not None
            try:
                thread.run(self._lines.finish())
            finally:
                thread.run(self._lines.close())
                thread.close()
