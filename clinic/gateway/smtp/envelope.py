"""
One message to one recipient: its envelope, and how it is handed over.

Where the relay offers PIPELINING (RFC 2920) MAIL, RCPT and DATA leave together, which is one wait instead of
three. Each is answered by itself all the same, and what decides is the first that is not a yes.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from smtplib import SMTPServerDisconnected

from clinic.gateway.smtp.connection import Connection

_DOT = re.compile(rb"(?m)^\.")

Said = tuple[str, int, bytes]


class AfterData(Exception):
    """The connection failed after the relay let us send the text: it may have taken the message."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom. id: ours, for reports; success: a report is asked for of what arrives, too."""

    sender: str
    recipient: str
    id: str
    success: bool = False

    def options(self, connection: Connection, size: int) -> tuple[list[str], list[str]]:
        """Of MAIL and of RCPT, as far as the relay knows them."""
        mail = [f"SIZE={size}"] if connection.has_extn("size") else []
        if not connection.has_extn("dsn"):
            return mail, []
        notify = "SUCCESS,FAILURE,DELAY" if self.success else "FAILURE,DELAY"
        return [*mail, "RET=HDRS", f"ENVID={xtext(self.id)}"], [
            f"NOTIFY={notify}",
            f"ORCPT=rfc822;{xtext(self.recipient)}",
        ]


def submit(connection: Connection, envelope: Envelope, text: bytes) -> Said:
    """
    Hand a message over.

    Returns:
        the last command that counts (mail, rcpt, data or text), its code, and what the relay said. Only
        `text` with 250 means that the relay has it

    Raises:
        AfterData: lost after the text was begun
        OSError: lost before
    """
    wire = _DOT.sub(b"..", text) + b".\r\n"
    options = envelope.options(connection, len(text))
    ask = _together if connection.has_extn("pipelining") else _one_by_one
    if (refused := ask(connection, envelope, *options)) is not None:
        return refused
    if not connection.is_quiet():  # what is said by now is no answer to the text
        connection.close()
        raise SMTPServerDisconnected
    try:
        connection.send(wire)
        return "text", *connection.getreply()
    except OSError as error:
        raise AfterData from error


def _one_by_one(
    connection: Connection, envelope: Envelope, mail: list[str], rcpt: list[str]
) -> Said | None:
    code, says = connection.mail(envelope.sender, mail)
    if code != 250:
        return "mail", code, says
    code, says = connection.rcpt(envelope.recipient, rcpt)
    if code not in (250, 251):
        return "rcpt", code, says
    code, says = connection.docmd("DATA")
    return None if code == 354 else ("data", code, says)


def _together(
    connection: Connection, envelope: Envelope, mail: list[str], rcpt: list[str]
) -> Said | None:
    lines = [
        " ".join([f"MAIL FROM:<{envelope.sender}>", *mail]),
        " ".join([f"RCPT TO:<{envelope.recipient}>", *rcpt]),
        "DATA\r\n",
    ]
    connection.send("\r\n".join(lines))
    refused: Said | None = None
    code = 0
    for name, good in (("mail", (250,)), ("rcpt", (250, 251)), ("data", (354,))):
        try:
            code, says = connection.getreply()
        except OSError:
            if refused is None:
                raise
            return refused  # it said why, and hung up
        if refused is None and code not in good:
            refused = name, code, says
    if refused is not None and code == 354:
        _end_without_text(connection)
    return refused


def _end_without_text(connection: Connection) -> None:
    """The relay waits for a text though it took no recipient: an empty one goes nowhere (RFC 2920 §3.1)."""
    with contextlib.suppress(OSError):
        connection.send(".\r\n")
        connection.getreply()


def xtext(text: str) -> str:
    """RFC 3461 §4: printable ASCII but `+` and `=`, the rest as +XX."""
    return "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text)
