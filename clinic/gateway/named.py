"""
From a section [gateways.NAME] to the gateway that it describes.

One more kind: its settings class in clinic/settings/gateways/route.py, and a line here. Its class is built
with its section and an `Opening`, connects at the first `send`, and has the section's name as its own: by it
campaigns, submissions, messages and receipts find it again.
"""

from __future__ import annotations

import importlib
import ssl
from dataclasses import dataclass
from typing import Final, Protocol, cast

from clinic.clock import Clock
from clinic.gateway.protocol import Gateway
from clinic.settings import NamedGateway, Settings

# type → module:class, loaded when one is built
KINDS: Final = {
    "json": "clinic.gateway.http.json_provider:JsonProvider",
    "govuk_notify": "clinic.gateway.http.govuk_notify:GovukNotifyGateway",
    "nhs_notify": "clinic.gateway.http.nhs_notify:NhsNotifyGateway",
    "twilio": "clinic.gateway.http.twilio:TwilioGateway",
    "sns": "clinic.gateway.http.sns:SnsGateway",
}


@dataclass(frozen=True, kw_only=True)
class Opening:
    """
    What a gateway is built with besides its section.

    Args:
        name: the section's
        channel: by which it is to send; one gateway may have several
        clock: None: the system's
        call_seconds: a `send` begins nothing that could not end within so long: a third of the lease
        public_url: how `cohort receipts serve` is reached from outside; empty: not at all
        trust: who may sign its certificate; None: whom the system trusts
    """

    name: str
    channel: str
    clock: Clock | None = None
    call_seconds: float = 60.0
    public_url: str = ""
    trust: ssl.SSLContext | None = None


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


def opening_of(settings: Settings, name: str, channel: str, clock: Clock | None = None) -> Opening:
    """What a gateway of these settings is built with."""
    return Opening(
        name=name,
        channel=channel,
        clock=clock,
        call_seconds=settings.lease_seconds / 3,
        public_url=settings.receipts.public_url.rstrip("/"),
    )
