"""
The letter that says what is wrong, and the way it leaves: by the gateway for e-mail, to those who run Cohort.

It goes to nobody else, holds nothing of a patient, and is no message of a campaign: it leaves also while all
sending to patients is stopped, which is one of the things that it tells.
"""

from __future__ import annotations

import socket
import uuid
from datetime import datetime

from clinic.clock import Clock
from clinic.gateway.choose import gateway_by_name
from clinic.gateway.protocol import Gateway, Outgoing, Turned
from clinic.health.noted import News
from clinic.settings import Settings
from clinic.settings.gateways import SMTP
from clinic.settings.gateways.smtp import SmtpGateway


def addresses(settings: Settings) -> tuple[str, ...]:
    """Who is written to; nobody where there is no relay for e-mail."""
    if not (settings.email.host or _named(settings)):
        return ()
    return settings.health.tell or settings.notices.internal


def write_to_people(settings: Settings, clock: Clock, news: News) -> bool:
    """Send the letter to each address, if there is any; whether a relay took one, or may have."""
    if not (to := addresses(settings)):
        return False
    gateway = gateway_by_name(settings, _named(settings) or SMTP, "email", clock)
    try:
        return send_letter(gateway, to, *letter(settings, clock.now(), news))
    finally:
        gateway.close()


def _named(settings: Settings) -> str:
    """The relay by a name of its own by which e-mails leave; empty: it is that of [email]."""
    name = settings.gateway_name("email") or ""
    return name if isinstance(settings.gateways.get(name), SmtpGateway) else ""


def send_letter(gateway: Gateway, to: tuple[str, ...], subject: str, body: str) -> bool:
    """One letter an address; whether at least one was taken, or may have been."""
    letters = [
        Outgoing(number, address, body, subject) for number, address in enumerate(to, start=1)
    ]
    numbers = frozenset(one.reference for one in letters)
    answer = gateway.send(f"health-{uuid.uuid4().hex}", letters, per_request=1, only=numbers)
    lost = {number for number, said in answer.results.items() if isinstance(said, Turned)}
    return bool(numbers - lost - answer.not_sent)


def letter(settings: Settings, at: datetime, news: News) -> tuple[str, str]:
    """Subject and text."""
    name = settings.organisation.name
    parts = [f"{name}, on {socket.gethostname()}, {at:%-d %b %Y %H:%M} UTC"]
    for one in news.begun:
        parts.append(
            f"{one.code} ({one.level}): {one.says}\n"
            f"    To do: {one.do}\n"
            f"    More: cohort help {one.code}"
        )
    if news.ended:
        parts.append(f"Over: {', '.join(news.ended)}")
    parts.append(
        "What is wrong now: cohort health\n"
        "Recipients: health.tell in cohort.toml. No patient is named."
    )
    return f"Cohort: {_gist(news)} ({name})", "\n\n".join(parts) + "\n"


def _gist(news: News) -> str:
    codes = [one.code for one in news.begun]
    if not codes:
        return f"over: {', '.join(news.ended)}"
    return codes[0] if len(codes) == 1 else f"{len(codes)} things are wrong: {', '.join(codes)}"
