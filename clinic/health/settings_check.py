"""
Everything that is wrong with the settings, told before the night: what cannot be read, and what cannot work.

Nothing is run, no gateway and no database is asked; the folders are looked at, and nothing is made in them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy.engine import make_url

from clinic.errors import SettingsWrong
from clinic.gateway.choose import has_gateway
from clinic.gateway.incoming.signature import secret_key
from clinic.gateway.named import build, opening_of, unsubscribe_url_of
from clinic.gateway.processors import channels_of, processors_of
from clinic.health.letter import addresses
from clinic.message.timing.timing import timing_of
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS, SMTP, CallsBack, Channels, Route
from clinic.settings.gateways.cloud import TwilioAccount
from clinic.settings.gateways.json_http import JsonGateway
from clinic.settings.load import inspect_settings


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `code`: a heading of the runbook."""

    code: str
    says: str


def check_settings(path: Path | None = None) -> tuple[list[Fault], list[str]]:
    """
    What is wrong, and what may be meant but is worth knowing.

    Args:
        path: the settings file; None: this process's own
    """
    loaded, faults = inspect_settings(path)
    found = [Fault(fault.code, fault.says) for fault in faults]
    if loaded is None:
        return found, []
    settings = loaded.settings
    for look in (_sms, _email, *_named(settings), _receipts, timing_of):
        found += _refused(look, settings)
    found += [Fault("settings-folder", says) for says in _folders(settings)]
    return found, list(_remarks(settings))


def _refused(look: Callable[[Settings], object], settings: Settings) -> list[Fault]:
    try:
        look(settings)
    except SettingsWrong as fault:
        return [Fault(fault.code, fault.says)]
    return []


def _sms(settings: Settings) -> None:
    if settings.sms.url:
        from clinic.gateway.http.sms import HttpSms  # loads aiohttp

        HttpSms(settings.sms).close()


def _email(settings: Settings) -> None:
    if settings.email.host:
        from clinic.gateway.smtp.email import Smtp

        Smtp(settings.email, sender_name=settings.organisation.name).close()


def _named(settings: Settings) -> list[Callable[[Settings], object]]:
    """Each gateway of [gateways.NAME], built by each channel that it has."""
    return [
        partial(_build, name=name, channel=channel)
        for name, one in sorted(settings.gateways.items())
        for channel in channels_of(settings, name) or (one.first_channel,)
    ]


def _build(settings: Settings, *, name: str, channel: str) -> None:
    own = settings.gateways[name]
    build(own, opening_of(settings, name, channel)).close()
    if isinstance(own, JsonGateway) and own.balance_url:
        from clinic.gateway.http.address import secure_url

        secure_url(own.balance_url, f"gateways.{name}.balance_url")


def _receipts(settings: Settings) -> None:
    unsubscribe_url_of(settings.receipts)
    if secret := settings.receipts.secret.get_secret_value():
        secret_key(secret)


def _folders(settings: Settings) -> Iterator[str]:
    """Where this account cannot write, nor make the folder that the settings name."""
    wanted = {"home": settings.home, "notes_folder": settings.notes_folder}
    url = make_url(settings.database_url)
    if settings.record_url and url.get_backend_name() == "sqlite":
        wanted["record_url"] = Path(url.database or "").parent
    for name, folder in wanted.items():
        there = folder.resolve()
        while not there.exists():
            there = there.parent
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield (
                f"{name} is {folder}: this account cannot write in {there}. Name another folder, or make it "
                "this account's (chown)"
            )


def _remarks(settings: Settings) -> Iterator[str]:
    for channel in settings.organisation.channels:
        if not has_gateway(settings, channel) and not settings.outbox:
            yield f"no gateway is set for {channel}: a campaign by {channel} is refused"
    yield from _alone(settings)
    expected = "sms" in settings.receipts.channels and settings.gateway_name("sms") == HTTP_SMS
    if expected and not (settings.receipts.secret.get_secret_value() or settings.receipts.pull):
        yield (
            "delivery receipts of texts are expected (receipts.channels) and nothing receives them: "
            "neither receipts.secret nor receipts.pull is set. After receipts.no_receipt_hours they count as "
            "failed"
        )
    yield from _of_gateways(settings)
    if settings.health.watch and not addresses(settings):
        yield (
            "nobody is told when something goes wrong: set health.tell (or notices.internal) to e-mail "
            "addresses, and a relay for e-mail (email.host, or a gateway of type smtp)"
        )
    if settings.outbox:
        yield "outbox is true: where no gateway is set, messages are kept and not sent"


def _of_gateways(settings: Settings) -> Iterator[str]:
    """Those that no channel leaves by, and those that could tell what became of a message and do not."""
    for one in processors_of(settings):
        named = settings.gateways.get(one.name)
        if not one.channels:
            channel = named.first_channel if named else {HTTP_SMS: "sms", SMTP: "email"}[one.name]
            way = f'channels.{channel}.gateways = ["{one.name}"]'
            if named is None:
                way = f"channels.{channel}.gateways, which names another one, left out"
            yield (
                f"no channel leaves by {one.section}: nothing new is sent there, only what waits for it "
                f"(cohort gateways list). If it is to send: {way}"
            )
        elif isinstance(named, CallsBack | TwilioAccount):
            if not named.tells(settings.receipts.public_url):
                needed = (
                    "callback_url" if isinstance(named, TwilioAccount) else "callback_secret_file"
                )
                yield (
                    f"{one.section} could tell what became of a message and nothing receives it: set "
                    f"{one.section}.{needed}, and let cohort receipts serve run. What it took counts as sent"
                )


def _alone(settings: Settings) -> Iterator[str]:
    """Channels that name several gateways, of which the first alone sends."""
    for name in Channels.model_fields:
        route: Route = getattr(settings.channels, name)
        if len(route.gateways) > 1 and route.failover == "off":
            yield (
                f"channels.{name}.gateways names {len(route.gateways)} gateways and channels.{name}.failover "
                f"is off: {route.gateways[0]} sends alone"
            )
