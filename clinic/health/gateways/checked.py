"""Whether a gateway answers, knows our login, and is set as it must be; nothing is sent to anybody."""

from __future__ import annotations

from typing import NamedTuple

from clinic.clock import Clock
from clinic.errors import CohortError, NotFound, SettingsWrong
from clinic.gateway.choose import gateway_by_name, is_set
from clinic.gateway.look import Look, Looks, not_asked
from clinic.gateway.processors import channels_of, processors_of
from clinic.health.facts import GatewayFacts
from clinic.health.probes import look_at_gateways, look_at_named
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS, SMTP
from clinic.settings.gateways.smtp import SmtpGateway


class Found(NamedTuple):
    """One thing, and whether it is as it should be; None: it was not asked."""

    good: bool | None
    says: str


def check_gateway(settings: Settings, name: str, clock: Clock) -> list[Found]:
    """
    Everything that can be seen of a gateway without sending.

    Raises:
        NotFound: there is none of this name
    """
    require_known(settings, name)
    found = [_processor(settings, name), _greeting(settings, name, clock)]
    channels = channels_of(settings, name)
    if name in settings.gateways:
        channels = channels or (settings.gateways[name].first_channel,)
    found += _mailbox(settings, name, clock)
    for channel in channels:
        try:
            gateway = gateway_by_name(settings, name, channel, clock)
        except SettingsWrong as fault:
            found.append(Found(False, fault.says))
            continue
        try:
            found += [Found(*one[:2]) for one in _looks(gateway, name)]
        finally:
            gateway.close()
    return found


def _mailbox(settings: Settings, name: str, clock: Clock) -> list[Found]:
    """Whether the mailbox can be read to which reports come, if it has one."""
    own = settings.gateways.get(name)
    if not isinstance(own, SmtpGateway) or not own.mailbox.host:
        return []
    from clinic.gateway.bounces.readers import readers_of

    try:
        count = readers_of(settings, clock)[name].look()
    except CohortError as fault:
        return [Found(False, fault.says)]
    return [Found(True, f"its mailbox can be read; e-mails in {own.mailbox.folder}: {count:,}")]


def _looks(gateway: object, name: str) -> list[Look]:
    if isinstance(gateway, Looks):
        return gateway.look()
    return [not_asked(name)]


def require_known(settings: Settings, name: str) -> None:
    """
    Raises:
        NotFound: there is no gateway of this name
    """
    if not is_set(settings, name):
        there = [one.name for one in processors_of(settings)]
        raise NotFound(
            "no-such-gateway",
            f"there is no gateway {name!r} in the settings; there: {', '.join(there) or 'none is set'}",
        )


def _processor(settings: Settings, name: str) -> Found:
    (own,) = (one for one in processors_of(settings) if one.name == name)
    return Found(not own.fault, own.fault or f"processed by {own.says}")


def _greeting(settings: Settings, name: str, clock: Clock) -> Found:
    if name in settings.gateways:
        facts = look_at_named(settings, name, clock)
    else:
        label = {HTTP_SMS: "sms", SMTP: "email"}[name]
        (facts,) = (one for one in look_at_gateways(settings, clock) if one.channel == label)
    return _of(facts)


def _of(facts: GatewayFacts) -> Found:
    if not facts.asked:
        return Found(None, "whether it answers: its type greets nobody without a login")
    if facts.expired:
        return Found(False, "its certificate has expired")
    if facts.fault:
        return Found(False, facts.fault)
    if facts.ahead is not None and abs(facts.ahead) > 30:
        return Found(False, f"this machine's clock is {abs(facts.ahead):,.0f} s off its own")
    return Found(True, "it answers")
