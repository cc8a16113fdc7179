"""
Any provider that takes JSON, described by settings alone (docs/gateways.md#any-provider-that-takes-json).

The body is a restricted template: a table of TOML in whose texts a few names in braces are replaced, once,
so that a text which holds braces itself stays as it is. What the answer does not say plainly is ambiguous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import aiohttp
import orjson

from clinic.errors import SettingsWrong
from clinic.gateway.http.address import secure_url
from clinic.gateway.http.part import Part
from clinic.gateway.http.reply import ANYWHERE, Reply, clean_code, clean_ref, judge_failure
from clinic.gateway.http.sender import HttpSender, one_each
from clinic.gateway.look import Balance, Look, amount_of, not_asked
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Outgoing, Taken, Turned
from clinic.gateway.tally import Tally, clean
from clinic.settings.gateways.json_http import JsonGateway

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


class JsonProvider(HttpSender):
    """One request a message, in the provider's own words."""

    def __init__(self, settings: JsonGateway, opening: Opening) -> None:
        section = f"gateways.{opening.name}"
        super().__init__(
            settings,
            secure_url(settings.url, f"{section}.url"),
            opening,
            gateway_class=settings.gateway_class,
            window=timedelta(hours=settings.window_hours),
            headers=_login(settings),
        )
        self._own = settings

    def parts(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Iterator[Part]:
        """One message each."""
        del per_request  # 1
        for own_key, message in one_each(key, messages, only):
            said = self._said(own_key, message)
            headers = {name: _filled(text, said) for name, text in self._own.headers.items()}
            body = orjson.dumps(_filled(self._own.body, said))
            yield Part(own_key, body, {str(message.reference): message.reference}, headers)

    def _said(self, key: str, message: Outgoing) -> dict[str, str]:
        return {
            "to": message.to,
            "to_digits": message.to.removeprefix("+"),
            "body": message.body,
            "subject": message.subject or "",
            "reference": str(message.reference),
            "key": key,
            "sender": self._own.sender,
        }

    def look(self) -> list[Look]:
        """What is left of the credit, where it tells that; which shows that it knows our login."""
        return [self.credit() or not_asked(self.name)]

    def credit(self) -> Look | None:
        """By GET, where it is set."""
        own, setting = self._own, f"{self.section}.balance_url"
        if not own.balance_url:
            return None
        try:
            reply = self.ask(secure_url(own.balance_url, setting))
        except SettingsWrong as fault:
            return Look(False, fault.says)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Look(False, f"it does not answer for the balance ({setting})")
        try:
            if reply.status != 200:
                raise ValueError("no balance")
            balance = Balance(
                amount_of(at(_document(reply.body), own.balance_at)), own.balance_unit
            )
        except ValueError:
            says = f"it answers {reply.status} for the balance, and no number at balance_at ({setting})"
            return Look(False, says)
        return Look(True, f"it knows our login; credit {balance}", balance)

    def judge(self, reply: Reply, part: Part, tally: Tally) -> None:
        """By where the settings say that the answer's parts stand."""
        (reference,) = part.references.values()
        document = _document(reply.body)
        code = at(document, self._own.error_at)
        if 200 <= reply.status < 300:
            return self._read(document, code, reference, tally)
        if reply.status in self._own.reject_statuses and self._is_of_one(code):
            return tally.note(reference, self._turned(document, code))
        judge_failure(
            reply, (reference,), tally, now=self.clock.now, halts=ANYWHERE,
            busy_is_refusal=self._own.busy_is_refusal,
        )  # fmt: skip

    def _read(self, document: Any, code: Any, reference: int, tally: Tally) -> None:
        own = self._own
        word = _word(at(document, own.status_at))
        if word and word in map(str.lower, own.rejected):
            return tally.note(reference, self._turned(document, code))
        if code and own.reject_codes and str(code) in own.reject_codes:
            return tally.note(reference, self._turned(document, code))
        given = clean_ref(
            None if isinstance(at(document, own.id_at), bool) else at(document, own.id_at)
        )
        words = map(str.lower, (*own.accepted, *own.duplicate))
        good = word in words if own.status_at else not code
        # An id that was promised and is not there: a page of somebody else's answered
        again = own.status_at and word in map(str.lower, own.duplicate)
        if good and (given or again or not own.id_at):
            return tally.note(reference, Taken(gateway_ref=given))
        if document is not None:  # in good form, and another answer will not come
            tally.unlisted((reference,))
        tally.blame("the provider answers 2xx, and not that it took the message")

    def _is_of_one(self, code: Any) -> bool:
        return not self._own.reject_codes or str(code) in self._own.reject_codes

    def _turned(self, document: Any, code: Any) -> Turned:
        says = at(document, self._own.error_text_at)
        return Turned(code=clean_code(code), says=clean(says if says is not None else ""))


def at(document: Any, path: str) -> Any:
    """What stands at a place such as messages.0.id; None: nothing does."""
    if not path:
        return None
    for name in path.split("."):
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def _word(found: Any) -> str:
    """A status as the settings spell it, in small letters; empty: there is none that could be one."""
    if isinstance(found, bool):
        return str(found).lower()
    return str(found).lower() if isinstance(found, str | int | float) else ""


def _document(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _filled(value: Any, said: Mapping[str, str]) -> Any:
    """The same table with its places filled, in one pass: what is put in is not looked at again."""
    if isinstance(value, str):
        return _PLACE.sub(lambda found: said[found[1]], value)
    if isinstance(value, dict):
        return {key: _filled(each, said) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, said) for each in value]
    return value


def _login(settings: JsonGateway) -> dict[str, str]:
    token = settings.token.get_secret_value()
    if not token:
        return {}
    name, _, text = settings.token_header.partition(":")
    return {name.strip(): text.strip().replace("{token}", token)}
