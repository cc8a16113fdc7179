"""
What gateways of [gateways.NAME] call back with: each provider's own proof of origin, and its words.

    POST /gateways/NAME/receipts[/REFERENCE]      POST /gateways/NAME/replies

A proof is looked at before a word is read, in constant time. Several events in one body are several receipts;
what comes again has the same event id and is kept once. A callback that cannot be understood is kept for a
person and answered as taken: a 4xx would end a provider's tries, and one entry must not cost the others.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson

from clinic.errors import SettingsWrong
from clinic.gateway.http.json_provider import at
from clinic.gateway.incoming.calls import read_call
from clinic.gateway.incoming.parse import Incoming, read_incoming, unread_body
from clinic.gateway.voice.twilio import speaker_of
from clinic.gateway.voice.twiml import Speaker
from clinic.settings import NamedGateway, Settings
from clinic.settings.gateways import CallsBack
from clinic.settings.gateways.cloud import Twilio, TwilioAccount
from clinic.settings.gateways.json_http import JsonGateway
from clinic.settings.gateways.notify import GovukNotify, NhsNotify
from clinic.settings.gateways.voice import TwilioVoice

_SHORTEST: Final = 16  # characters of a secret that cannot be guessed

# Why a text of Twilio was not delivered: twilio.com/docs/api/errors
_TWILIO_ERRORS: Final = {
    "30003": "absent_subscriber",
    "30004": "blacklisted",
    "30005": "unknown_subscriber",
    "30006": "routing_unavailable",
    "30007": "rejected_by_operator",
}


class Call(NamedTuple):
    """A callback as it came. `url`: as the provider calls it; `reference`: in its path, or empty."""

    headers: Mapping[str, str]
    body: bytes
    url: str
    reference: str = ""


class Callbacks(NamedTuple):
    """
    Of one gateway. prove: 0, or the HTTP status of the refusal; read: what it says, as our own form has it.

    status: of an answer that says "taken"; base: how the provider calls this server; answer: XML that it reads
    instead of our JSON, empty where it reads none
    """

    gateway: str
    prove: Callable[[Call], int]
    read: Callable[[Call], Any]
    status: int = 200
    base: str = ""
    answer: Callable[[Call], str] = lambda call: ""

    def incoming(self, call: Call) -> Incoming:
        """What a proven callback says."""
        try:
            return read_incoming(orjson.dumps(self.read(call)), gateway=self.gateway)
        except (ValueError, TypeError, KeyError, AttributeError):
            return Incoming(unread=[unread_body(call.body, gateway=self.gateway)])


def callbacks_of(settings: Settings) -> dict[str, Callbacks]:
    """
    Of every gateway that may call back, by its name.

    Raises:
        SettingsWrong: a secret could be guessed
    """
    found = {}
    for name, one in settings.gateways.items():
        made = _of(name, one, settings.receipts.public_url)
        if made is not None:
            found[name] = made
    return found


def _of(name: str, own: NamedGateway, public_url: str) -> Callbacks | None:
    if isinstance(own, Twilio | TwilioVoice):
        base = (own.callback_url or public_url).rstrip("/")
        if not base:
            return None
        if isinstance(own, TwilioVoice):
            return Callbacks(
                name, _signed_by_twilio(own), _call, base=base, answer=_spoken(speaker_of(own))
            )
        return Callbacks(name, _signed_by_twilio(own), _twilio, base=base)
    if not isinstance(own, CallsBack):
        return None
    secret = own.callback_secret.get_secret_value()
    if not secret:
        return None
    if len(secret) < _SHORTEST:
        raise SettingsWrong(
            "receipts-secret",
            f"gateways.{name}.callback_secret must have at least {_SHORTEST} characters",
        )
    if isinstance(own, NhsNotify):
        return Callbacks(name, _signed_by_nhs(own, secret), _nhs, status=202)
    if isinstance(own, GovukNotify):
        return Callbacks(name, _header("Authorization: Bearer {secret}", secret), _as_it_is)
    if isinstance(own, JsonGateway):
        return Callbacks(name, _header(own.callback_proof, secret), lambda call: _json(own, call))
    return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), wanted.encode())


def _header(proof: str, secret: str) -> Callable[[Call], int]:
    """A header with the secret; or with the body's signature, hexadecimal in small or capital letters."""
    name, _, text = proof.partition(":")
    signed = "{hmac_sha256}" in text

    def prove(call: Call) -> int:
        given, wanted = call.headers.get(name.strip(), "").strip(), text.strip()
        if not signed:
            return 0 if _same(given, wanted.replace("{secret}", secret)) else 401
        signature = hmac.digest(secret.encode(), call.body, "sha256").hex()
        wanted = wanted.replace("{hmac_sha256}", signature)
        return 0 if _same(given.lower(), wanted.lower()) else 401

    return prove


def _signed_by_nhs(own: NhsNotify, secret: str) -> Callable[[Call], int]:
    """Its key, and a signature of the body under both; as it asks: 401 without the key, 403 if it is forged."""
    key = f"{own.application_id}.{secret}".encode()

    def prove(call: Call) -> int:
        if not _same(call.headers.get("x-api-key", ""), secret):
            return 401
        signature = hmac.digest(key, call.body, "sha256").hex()
        given = call.headers.get("x-hmac-sha256-signature", "").strip().lower()
        return 0 if _same(given, signature) else 403

    return prove


def _signed_by_twilio(own: TwilioAccount) -> Callable[[Call], int]:
    """Address and contents, in the order of their names."""
    key = own.auth_token.get_secret_value().encode()

    def prove(call: Call) -> int:
        said = "".join(name + value for name, value in sorted(_form(call.body)))
        signature = base64.b64encode(hmac.digest(key, (call.url + said).encode(), "sha1")).decode()
        return 0 if _same(call.headers.get("X-Twilio-Signature", ""), signature) else 403

    return prove


def _form(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)


def _as_it_is(call: Call) -> Any:
    return orjson.loads(call.body)


def _twilio(call: Call) -> dict[str, Any]:
    form = dict(_form(call.body))
    if not call.reference:
        return {"replies": [{"id": form["MessageSid"], "from": form["From"], "text": form["Body"]}]}
    code = form.get("ErrorCode")
    return {"receipts": [{
        "id": form["MessageSid"], "reference": call.reference, "status": form["MessageStatus"],
        "code": _TWILIO_ERRORS.get(code or "", f"twilio_{code}") if code else None,
    }]}  # fmt: skip


def _call(call: Call) -> dict[str, Any]:
    return read_call(dict(_form(call.body)), call.reference)


def _spoken(speaker: Speaker) -> Callable[[Call], str]:
    """What a person hears who pressed a key, if it is known whose number it is; else nothing is read."""

    def answer(call: Call) -> str:
        form = dict(_form(call.body))
        if "Digits" not in form:
            return ""
        return speaker.after(form["Digits"] if form.get("To", "").strip() else "")

    return answer


def _nhs(call: Call) -> dict[str, Any]:
    return {"receipts": [_nhs_receipt(one) for one in orjson.loads(call.body)["data"]]}


def _nhs_receipt(event: Mapping[str, Any]) -> dict[str, Any]:
    """Of a message its status; of one channel only that it arrived, since its plan may try another one."""
    own = event["attributes"]
    status = str(own.get("messageStatus") or "")
    if not status:
        status = "delivered" if own.get("channelStatus") == "delivered" else "sending"
    waits = status in ("pending_enrichment", "enriched")
    return {
        "id": event.get("meta", {}).get("idempotencyKey"),
        "reference": own.get("messageReference"),
        "status": "pending" if waits else status,
        "code": own.get("messageFailureReasonCode"),
        "message": own.get("messageStatusDescription"),
        "at": own.get("timestamp"),
    }


def _json(own: JsonGateway, call: Call) -> dict[str, Any]:
    document = orjson.loads(call.body)
    listed = at(document, own.receipts_at) if own.receipts_at else document
    entries = listed if isinstance(listed, list) else [listed]
    return {"receipts": [_json_receipt(own, one) for one in entries]}


def _json_receipt(own: JsonGateway, entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    word = at(entry, own.receipt_status_at)
    return {
        "id": at(entry, own.receipt_id_at),
        "reference": at(entry, own.receipt_reference_at),
        "status": own.receipt_words.get(str(word), word),
        "code": at(entry, own.receipt_error_at),
    }
