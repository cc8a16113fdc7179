"""
Twilio Programmable Voice: one request a call. Class B: it knows no key and no reference of ours.

Our reference travels in the addresses of its callbacks, which its signature covers. It tells at the end of a
call what became of it (outcomes.py), and a key that was pressed at once. Whether a person or a machine answers
it finds out before it speaks, and to a machine it speaks after the tone.
Source: twilio.com/docs/voice/api/call-resource, twilio.com/docs/api/errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from clinic.errors import SettingsWrong
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import clean_ref, object_of
from clinic.gateway.http.rules import Rule
from clinic.gateway.http.sender import one_each
from clinic.gateway.http.twilio import NO_NUMBER, TOO_MANY, TwilioSender
from clinic.gateway.look import Look
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing, Taken, Turned
from clinic.gateway.tally import Tally
from clinic.gateway.voice.twiml import Speaker
from clinic.settings.gateways.voice import TwilioVoice

RULES: Final = (
    *NO_NUMBER,
    Rule(400, "21214", "rejected", "the number cannot be reached", reason="routing_unavailable"),
    Rule(400, "21215", "rejected", "its country is not switched on for calls", reason="routing_unavailable"),
    Rule(400, "21216", "rejected", "the account may not call this number", reason="routing_unavailable"),
    Rule(400, "21219", "not sent", "a trial account calls verified numbers alone", halt="gateway-refused"),
    Rule(400, "", "not sent", "number or account are not as set", halt="gateway-refused"),
    Rule(429, "10004", "not sent", "as many calls as it allows are under way", wait=30.0),
    TOO_MANY,
)  # fmt: skip
_TOOK: Final = frozenset({"queued", "initiated", "ringing", "in-progress", "completed"})
_NO: Final = {
    "busy": "busy",
    "no-answer": "not_answered",
    "failed": "call_failed",
    "canceled": "call_failed",
}


def speaker_of(settings: TwilioVoice) -> Speaker:
    """The voice of a section."""
    return Speaker(settings.language, settings.voice, settings.stopping)


class TwilioCalls(TwilioSender):
    """Calls."""

    rules = RULES

    def __init__(self, settings: TwilioVoice, opening: Opening) -> None:
        """
        Raises:
            SettingsWrong: nothing would tell what became of a call, nor that 9 was pressed
        """
        super().__init__(settings, opening, "Calls.json")
        if not self.tells:
            raise SettingsWrong(
                "receipts-url",
                "calls need an address of cohort receipts serve, by which we hear who answered and who pressed "
                f"9: set gateways.{opening.name}.callback_url, or receipts.public_url, https://…",
            )
        self._speaker = speaker_of(settings)
        self._always = {
            "From": settings.sender,
            "Timeout": str(settings.ring_seconds),
            "MachineDetection": "DetectMessageEnd",
            "StatusCallbackMethod": "POST",
        }

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """One call each."""
        del per_request  # 1
        for own_key, message in one_each(key, messages, only):
            tells = f"{self.tells}/{message.reference}"
            form = {
                **self._always, "To": message.to, "StatusCallback": tells,
                "Twiml": self._speaker.message(message.body, tells),
            }  # fmt: skip
            references = {str(message.reference): message.reference}
            yield Part(own_key, urlencode(form).encode(), references)

    def judge_taken(
        self, document: Mapping[str, Any], reference: int, part: Part, tally: Tally
    ) -> None:
        """A call that waits for its turn, or is made; or that failed at once."""
        del part
        given, status = clean_ref(document.get("sid")), str(document.get("status") or "")
        if given and status in _NO:
            return tally.note(reference, Turned(_NO[status], ""))
        if status not in _TOOK or not given:
            return tally.blame("it answers 2xx, and not that it took this call")
        tally.note(reference, Taken(gateway_ref=given))

    def look(self) -> list[Look]:
        """Login and credit; whether the account is on trial, and so says a sentence of its own to everybody."""
        return [self.credit(), self._account()]

    def _account(self) -> Look:
        address = self.account.with_name(f"{self.account.name}.json")
        try:
            kind = str(object_of(self.ask(address).body).get("type") or "")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Look(False, "it does not answer")
        if kind == "Trial":
            return Look(
                False, "the account is on trial: it says a sentence of its own before every call"
            )
        return Look(
            bool(kind) or None, "the account is no trial" if kind else "its kind is not told"
        )
