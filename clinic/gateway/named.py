"""
From a section [gateways.NAME] to the gateway that it describes.

One more kind: its settings class in clinic/settings/gateways/route.py, and a line here. Its class is built
with its section and an `Opening`, connects at the first `send`, and has the section's name as its own: by it
campaigns, submissions, messages and receipts find it again.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final, Protocol, cast

from clinic.clock import Clock
from clinic.errors import SettingsWrong
from clinic.gateway.opening import Opening
from clinic.gateway.protocol import Gateway
from clinic.gateway.received import Keeper
from clinic.settings import NamedGateway, Receipts, Settings

__all__ = ["KINDS", "Opening", "build", "opening_of", "unsubscribe_url_of"]

# type → module:class, loaded when one is built
KINDS: Final = {
    "json": "clinic.gateway.http.json_provider:JsonProvider",
    "govuk_notify": "clinic.gateway.http.govuk_notify:GovukNotifyGateway",
    "nhs_notify": "clinic.gateway.http.nhs_notify:NhsNotifyGateway",
    "twilio": "clinic.gateway.http.twilio:TwilioGateway",
    "twilio_voice": "clinic.gateway.voice.twilio:TwilioCalls",
    "sns": "clinic.gateway.http.sns:SnsGateway",
    "sip": "clinic.gateway.voice.sip.calls:SipCalls",
    "smpp": "clinic.gateway.smpp.sms:SmppSms",
    "smtp": "clinic.gateway.smtp.named:NamedSmtp",
}


class _Builds(Protocol):
    def __call__(self, section: NamedGateway, opening: Opening) -> Gateway: ...


def build(section: NamedGateway, opening: Opening) -> Gateway:
    """
    The gateway of a section.

    Raises:
        SettingsWrong: it cannot work as it is set
    """
    module, _, name = KINDS[section.type].partition(":")
    return cast(_Builds, getattr(importlib.import_module(module), name))(section, opening)


def opening_of(
    settings: Settings,
    name: str,
    channel: str,
    clock: Clock | None = None,
    keeper: Keeper | None = None,
) -> Opening:
    """What a gateway of these settings is built with."""
    return Opening(
        name=name,
        channel=channel,
        sender_name=settings.organisation.name,
        clock=clock,
        call_seconds=settings.lease_seconds / 3,
        unsubscribe_url=unsubscribe_url_of(settings.receipts) if channel == "email" else None,
        public_url=settings.receipts.public_url.rstrip("/"),
        keeper=keeper,
        secret=settings.receipts.secret.get_secret_value(),
    )


def unsubscribe_url_of(settings: Receipts) -> Callable[[int], str] | None:
    """Where one click unsubscribes from a message's channel (RFC 8058); None: nobody would hear it."""
    from clinic.gateway.incoming.signature import make_token, secret_key

    if not settings.public_url:
        return None
    if not settings.public_url.startswith("https://"):
        raise SettingsWrong(
            "receipts-url", "receipts.public_url must begin with https:// (RFC 8058); correct it"
        )
    if not settings.public_url.isascii():
        raise SettingsWrong(
            "receipts-url",
            "receipts.public_url goes into each e-mail, where ASCII alone may stand: write a name as xn--…, a "
            "path as %C3%A9",
        )
    key, base = secret_key(settings.secret.get_secret_value()), settings.public_url.rstrip("/")
    return lambda reference: f"{base}/unsubscribe/{make_token(key, reference)}"
