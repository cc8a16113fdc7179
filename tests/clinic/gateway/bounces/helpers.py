"""What the tests of mailboxes share."""

from __future__ import annotations

import ssl
from typing import Any

from clinic.gateway.bounces.mailbox import MailReader
from clinic.gateway.smtp.login import Tokens
from clinic.settings.gateways.smtp import SmtpGateway
from tests.clinic.gateway.bounces.mails import STAMPS
from tests.fakes import FakeClock


def reader(
    port: int,
    trust: ssl.SSLContext | None = None,
    tokens: Tokens | None = None,
    seconds: float = 5,
    **mailbox: Any,
) -> MailReader:
    """Of a mailbox on this machine, as it is set."""
    own = {"host": "localhost", "port": port, "tls": "none", "user": "me", "password": "secret"}
    settings = SmtpGateway.model_validate(
        {"type": "smtp", "host": "relay.test", "sender": "p@practice.example", "timeout_seconds": seconds,
         "mailbox": own | mailbox}
    )  # fmt: skip
    return MailReader(
        settings,
        name="mail",
        stamps=STAMPS,
        tokens=tokens,
        trust=trust or ssl.create_default_context(),
        clock=FakeClock(),
    )
