"""
Twilio Programmable Messaging: one request a message. Class B: it knows no key and no reference of ours.

Our reference travels in the address of its status callback, which its signature covers. Its answer repeats the
text, so that what a trial account puts before it is seen with the first message.
Source: twilio.com/docs/messaging/api/message-resource, twilio.com/docs/api/errors.
"""

from __future__ import annotations

import base64
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import aiohttp

from clinic.errors import SettingsWrong
from clinic.gateway.http.address import secure_url
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import Reply, clean_code, clean_ref, object_of
from clinic.gateway.http.rules import Rule, judge_by, stop_if_rewritten
from clinic.gateway.http.sender import HttpSender, one_each
from clinic.gateway.look import Balance, Look, amount_of
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing, Taken, Turned
from clinic.gateway.tally import Tally, clean
from clinic.settings.gateways.cloud import Twilio, TwilioAccount

_HOUR: Final = 3600.0
NO_NUMBER: Final = tuple(  # of texts and calls
    Rule(400, code, "rejected", "the number is none", reason="invalid_number")
    for code in ("21211", "21217")
)
TOO_MANY: Final = Rule(429, "", "not sent", "too many requests at once", wait=2.0)
RULES: Final = (
    *NO_NUMBER,
    Rule(400, "21614", "rejected", "it is no mobile number", reason="invalid_number"),
    Rule(400, "21610", "rejected", "this number said STOP to Twilio", reason="blacklisted"),
    Rule(400, "21612", "rejected", "no route leads there from our sender", reason="routing_unavailable"),
    Rule(400, "21408", "rejected", "its country is not switched on", reason="routing_unavailable"),
    Rule(400, "21617", "rejected", "the text is over 1,600 characters", reason="too_long"),
    Rule(400, "21608", "not sent", "a trial account sends to verified numbers alone", halt="gateway-refused"),
    Rule(400, "21611", "not sent", "the sender's queue is full", wait=60.0),
    Rule(400, "", "not sent", "sender or account are not as set", halt="gateway-refused"),
    Rule(429, "21611", "not sent", "the sender's queue is full", wait=60.0),
    Rule(429, "63038", "not sent", "the day's messages are used up, until midnight", wait=_HOUR),
    TOO_MANY,
)  # fmt: skip
_TOOK: Final = frozenset(
    "accepted scheduled queued sending sent delivered receiving received read".split()
)
_FAILED: Final = frozenset({"failed", "undelivered", "canceled"})
_TEST_SENDER: Final = "+1500555"  # its magic numbers: answered, and never sent


class TwilioSender(HttpSender):
    """What texts and calls have in common: the account, its login, its credit, and where it calls us back."""

    rules: ClassVar[Sequence[Rule]]

    def __init__(self, settings: TwilioAccount, opening: Opening, resource: str) -> None:
        """
        resource: of the account, to which messages are posted

        Raises:
            SettingsWrong: the sender is one that sends nothing, or the address is none
        """
        section = f"gateways.{opening.name}"
        if settings.sender.startswith(_TEST_SENDER):
            raise SettingsWrong(
                "gateway-pretends",
                f"{section}.sender is one of Twilio's test numbers: it answers, and sends nothing. Set the "
                "sender that messages are to come from",
            )
        login = f"{settings.account}:{settings.auth_token.get_secret_value()}".encode()
        account = (
            secure_url(settings.url, f"{section}.url")
            / "2010-04-01"
            / "Accounts"
            / settings.account
        )
        super().__init__(
            settings,
            account / resource,
            opening,
            gateway_class="B",
            headers={
                "Authorization": "Basic " + base64.b64encode(login).decode(),
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        public = (settings.callback_url or opening.public_url).rstrip("/")
        self.tells = f"{public}/gateways/{opening.name}/receipts" if public else ""
        self.account = account

    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """By `rules`; what it took is looked at as what it is."""
        (reference,) = part.references.values()
        document = object_of(reply.body)
        if 200 <= reply.status < 300:
            return self.judge_taken(document, reference, part, tally)
        code, says = str(document.get("code") or ""), str(document.get("message") or "")
        judge_by(self.rules, reply, (reference,), tally, code=code, says=says, now=self.clock.now)

    @abstractmethod
    def judge_taken(
        self, document: Mapping[str, Any], reference: int, part: Part, tally: Tally
    ) -> None:
        """Write what an answer proves that does not refuse."""

    def credit(self) -> Look:
        """In the account's currency."""
        try:
            reply = self.ask(self.account / "Balance.json")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Look(False, "it does not answer")
        document = object_of(reply.body)
        currency = str(document.get("currency") or "").upper()
        try:
            unit = currency if re.fullmatch("[A-Z]{3}", currency) else ""
            balance = Balance(amount_of(document.get("balance")), unit)
        except ValueError:
            why = clean(document.get("message") or "?")
            return Look(False, f"it answers {reply.status} for our balance: {why}")
        return Look(True, f"it knows our login; credit {balance}", balance)

    def look(self) -> list[Look]:
        """Whether it knows our login, and what is left of our credit."""
        return [self.credit()]


class TwilioGateway(TwilioSender):
    """Texts."""

    rules = RULES

    def __init__(self, settings: Twilio, opening: Opening) -> None:
        super().__init__(settings, opening, "Messages.json")
        service = settings.sender.startswith("MG") and len(settings.sender) == 34
        self._from = {"MessagingServiceSid" if service else "From": settings.sender}

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """One message each."""
        del per_request  # 1
        for own_key, message in one_each(key, messages, only):
            # Else a messaging service puts other letters for ours
            form = {**self._from, "To": message.to, "Body": message.body, "SmartEncoded": "false"}
            if self.tells:
                form["StatusCallback"] = f"{self.tells}/{message.reference}"
            references = {str(message.reference): message.reference}
            yield Part(own_key, urlencode(form).encode(), references, said=message.body)

    def judge_taken(
        self, document: Mapping[str, Any], reference: int, part: Part, tally: Tally
    ) -> None:
        """What it took is compared with what we sent."""
        given, status = clean_ref(document.get("sid")), str(document.get("status") or "")
        if status in _FAILED:
            code = clean_code(f"twilio_{document.get('error_code') or status}")
            return tally.note(reference, Turned(code, ""))
        if status not in _TOOK or not given:
            return tally.blame("it answers 2xx, and not that it took this message")
        tally.note(reference, Taken(gateway_ref=given))
        said = document.get("body")
        stop_if_rewritten(said, part, tally)
