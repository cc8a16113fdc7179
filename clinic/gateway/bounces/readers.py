"""The mailboxes that the settings name, each with what it is read by."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.gateway.bounces.mailbox import MailReader
from clinic.gateway.smtp.stamp import stamps_of
from clinic.gateway.smtp.tokens import tokens_of
from clinic.settings import Settings
from clinic.settings.gateways.smtp import SmtpGateway


def readers_of(settings: Settings, clock: Clock) -> dict[str, MailReader]:
    """
    Of every gateway that has a mailbox, by name.

    Raises:
        SettingsWrong: there is no secret to prove reports by
    """
    stamps, found = stamps_of(settings), {}
    for name, one in settings.gateways.items():
        if isinstance(one, SmtpGateway) and one.mailbox.host:
            found[name] = MailReader(
                one,
                name=name,
                stamps=stamps,
                tokens=tokens_of(one, section=f"gateways.{name}", clock=clock),
                clock=clock,
            )
    return found
