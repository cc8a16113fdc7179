"""From the section of the settings to what SMPP's packets need."""

from __future__ import annotations

import re
import ssl
from typing import Final
from zoneinfo import ZoneInfo

from clinic.errors import SettingsWrong
from clinic.gateway.smpp.link import Where
from clinic.gateway.smpp.pdu import Address, Login, Manner
from clinic.settings.gateways.smpp import SmppGateway

# TON and NPI: international number, national short code, name
_INTERNATIONAL: Final = (1, 1)
_SHORT_CODE: Final = (3, 0)
_NAME: Final = (5, 0)
_LONGEST_SHORT_CODE: Final = 8


def where_of(settings: SmppGateway, trust: ssl.SSLContext | None) -> Where:
    """
    Where the SMSC is, and how it is proven to be the right one.

    Raises:
        SettingsWrong: there is no certificate in `authority_file`
    """
    login = Login(settings.system_id, settings.password.get_secret_value(), settings.system_type)
    return Where(
        settings.host,
        settings.port,
        login,
        (trust or _trust(settings)) if settings.tls else None,
        settings.timeout_seconds,
        settings.enquire_seconds,
        dict(settings.statuses),
    )


def _trust(settings: SmppGateway) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.authority_file or None)
    except OSError:  # an SSLError is one
        raise SettingsWrong(
            "gateway-tls",
            "authority_file of the gateway of type smpp is no file with a certificate (PEM) that can be read",
        ) from None


def manner_of(settings: SmppGateway) -> Manner:
    """What every submit_sm has in common."""
    hours = settings.validity_hours
    return Manner(
        sender_of(settings),
        receipts=settings.receipts,
        # Relative: years, months, days, hours, minutes, seconds (SMPP 3.4 §7.1.1)
        validity=f"0000{hours // 24:02d}{hours % 24:02d}0000000R" if hours else "",
        service_type=settings.service_type,
        reference_tlv=settings.reference_tlv,
    )


def sender_of(settings: SmppGateway) -> Address:
    """The sender, with type and plan as its form says unless they are set."""
    sender = settings.sender
    digits = sender.lstrip("+")
    if not re.fullmatch(r"\d+", digits):
        ton, npi = _NAME
    elif sender.startswith("+") or len(digits) > _LONGEST_SHORT_CODE:
        (ton, npi), sender = _INTERNATIONAL, digits
    else:
        ton, npi = _SHORT_CODE
    ton = ton if settings.sender_ton < 0 else settings.sender_ton
    npi = npi if settings.sender_npi < 0 else settings.sender_npi
    return Address(sender, ton, npi)


def zone_of(settings: SmppGateway) -> ZoneInfo | None:
    """The zone of the SMSC's times, if it is known."""
    return ZoneInfo(settings.time_zone) if settings.time_zone else None
