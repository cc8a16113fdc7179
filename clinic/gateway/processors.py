"""
Who else processes what patients are sent: of each gateway company, country, contract, and what it keeps.

A processor acts for the practice under a contract (UK GDPR 28). Outside the United Kingdom, the European
Economic Area and the countries with an adequacy decision nothing is sent before whoever owns that risk said
yes, by name, in the settings. The United States are adequate for certified companies alone: a person looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from clinic.errors import SettingsWrong
from clinic.settings import Processor, Settings
from clinic.settings.gateways import HTTP_SMS, SMTP
from clinic.settings.gateways.relay import Relay

_EEA: Final = frozenset(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO".split()
)
# As of the United Kingdom's regulations; Canada's commercial organisations
_ADEQUATE: Final = frozenset("AD AR CA CH FO GG GI IL IM JE JP KR NZ UY".split())
WITHOUT_A_YES: Final = frozenset({"GB"}) | _EEA | _ADEQUATE


@dataclass(frozen=True)
class Processing:
    """
    A gateway that is set, and who processes what it is given. `fault`: what is missing; empty: nothing.

    section: where it is set: "sms", "gateways.notify"; channels: which leave by it now
    """

    name: str
    section: str
    channels: tuple[str, ...]
    reached: str
    processor: Processor
    fault: str

    @property
    def says(self) -> str:
        """In a line: company, country, contract, what it keeps, whose yes."""
        own = self.processor
        parts = [
            f"{own.company} ({own.country})",
            f"contract {own.contract}" if own.contract else "",
            f"keeps {own.keeps}" if own.keeps else "",
            f"risk accepted by {own.risk_owner}" if own.risk_owner else "",
        ]
        return "; ".join(filter(None, parts)) if own.company else ""


def processors_of(settings: Settings) -> list[Processing]:
    """Of each gateway that is set."""
    found: list[tuple[str, str, str, Processor]] = []
    if settings.sms.url:
        own = settings.sms
        found.append((HTTP_SMS, "sms", own.url.split("?")[0], own.processor))
    if settings.email.host:
        relay = settings.email
        found.append((SMTP, "email", f"{relay.host}, tls {relay.tls}", relay.processor))
    for name, one in sorted(settings.gateways.items()):
        found.append((name, f"gateways.{name}", one.reached, one.processor))
    return [
        Processing(name, section, channels_of(settings, name), reached, own, _fault(section, own))
        for name, section, reached, own in found
    ]


def channels_of(settings: Settings, name: str) -> tuple[str, ...]:
    """Which channels leave by this gateway now, also where it is not the first choice."""
    return tuple(one for one in ("sms", "email", "voice") if name in settings.gateway_names(one))


def require_allowed(settings: Settings, name: str) -> None:
    """
    Refuse to hand patients' data to a processor in a country for which nobody said yes.

    Raises:
        SettingsWrong: which setting says the yes
    """
    for one in processors_of(settings):
        if one.name == name and is_outside(one.processor) and not one.processor.risk_owner:
            raise SettingsWrong("processor-country", f"nothing was sent: {one.fault}")


def is_outside(processor: Processor) -> bool:
    """Whether it needs a yes."""
    return bool(processor.country) and processor.country not in WITHOUT_A_YES


def says_way(settings: Settings, gateway: str) -> list[str]:
    """
    What whoever reviews a campaign should know of the way that its messages take.

    gateway: the campaign's own, by name: it keeps it, whatever its channel leaves by now
    """
    said = []
    relay = _relay_of(settings, gateway)
    if relay is not None and relay.clear_to_another:
        said.append(
            f"Mail to {relay.host} is not encrypted (tls = none): whoever is between reads it."
        )
    for one in processors_of(settings):
        if one.name == gateway:
            said.append(one.fault if one.fault else f"Processed by {one.says}.")
    return said


def _relay_of(settings: Settings, name: str) -> Relay | None:
    if name == SMTP:
        return settings.email
    found = settings.gateways.get(name)
    return found if isinstance(found, Relay) else None


def _fault(section: str, own: Processor) -> str:
    missing = [
        name for name in ("company", "country", "contract", "keeps") if not getattr(own, name)
    ]
    if missing:
        names = ", ".join(f"{section}.processor.{name}" for name in missing)
        return f"It is not said who processes what this gateway is given: {names}."
    if is_outside(own) and not own.risk_owner:
        return (
            f"{own.company} processes it in {own.country}, outside the United Kingdom, the EEA and adequate "
            f"countries: who owns that risk says yes first ({section}.processor.risk_owner)."
        )
    return ""
