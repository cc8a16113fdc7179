"""The mailboxes that the settings name, each with what it is read by."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.gateway.bounces.mailbox import MailReader
from clinic.gateway.smtp.login import trust_of
from clinic.gateway.smtp.stamp import stamps_of
from clinic.gateway.smtp.tokens import tokens_of
from clinic.settings import Settings
from clinic.settings.gateways.smtp import SmtpGateway


def readers_of(settings: Settings, clock: Clock) -> dict[str, MailReader]:
    """
    Of every gateway that has a mailbox, by name.

    Raises:
        SettingsWrong: there is no secret to prove reports by, or no certificate in an authority_file
    """
    stamps, found = stamps_of(settings), {}
    for name, one in settings.gateways.items():
        if isinstance(one, SmtpGateway) and one.mailbox.host:
            section = f"gateways.{name}"
            found[name] = MailReader(
                one,
                name=name,
                stamps=stamps,
                tokens=tokens_of(one, section=section, clock=clock),
                trust=trust_of(one.authority_file, section),
                clock=clock,
            )
    return found
