"""What a relay's last word on a message proves (RFC 5321 §4.2.1; reliability §2.4)."""

from __future__ import annotations

import re
import smtplib

from clinic.gateway.protocol import Taken, Turned
from clinic.gateway.smtp.statuses import code_in, status_of
from clinic.gateway.smtp.tokens import NoToken
from clinic.gateway.tally import Tally, clean

# The relay would say the same of every message: a person must look, and no patient is to blame
_LOGIN_WANTED = {530, 534, 535, 538}
# Refused as ourselves, at whichever command: not allowed to send as this sender, or blocked (Exchange Online's
# list of reports: learn.microsoft.com, "email non-delivery reports in Exchange Online")
_OF_THE_SENDER = {"5.7.60", "5.2.252", "5.1.8", "5.7.708", "5.7.750"}
_RELAY = re.compile(r"\brelay(?:ing)?\b", re.IGNORECASE)
_ADDRESS = re.compile(r"\S*@\S*|\b[\w-]*(?:\.[\w-]+)+\b")  # and hosts: a word of theirs is nobody's
# The second number of an enhanced code (RFC 3463)
_CLASSES = {
    "1": "an address", "2": "a mailbox", "3": "its mail system", "4": "the network", "5": "the protocol",
    "6": "the content", "7": "its policy, such as greylisting",
}  # fmt: skip


def judge(reference: int, command: str, code: int, says: str, tally: Tally) -> None:
    """
    Write the outcome of one message into `tally`; without one it stays ambiguous.

    Args:
        command: the last one answered: mail, rcpt, data, or text (after the final dot)
        code: of the answer; -1 if it was no answer that SMTP knows
        says: the rest of the answer
    """
    if command == "text" and 200 <= code < 300:
        tally.note(reference, Taken(gateway_ref=queue_id(says)))
    elif 400 <= code < 500:
        tally.not_sent([reference])
        tally.blame(f"the relay answers {code}{_why(says)}, for the moment")
        if code == 421:  # the relay is closing
            tally.stop()
    elif halt := _concerns_all(command, code, says):
        tally.not_sent([reference])
        tally.stop(halt=halt)
    elif 500 <= code < 600:
        tally.note(reference, _turned(code, says))
    elif command != "text":
        tally.not_sent([reference])


def _turned(code: int, says: str) -> Turned:
    """Refused for good: in our words where we know them."""
    known = status_of(code_in(says))
    if known is None:
        return Turned(f"smtp_{code}", clean(says))
    return Turned(known.reason, f"{code} {code_in(says)}: {known.says}")


def _why(says: str) -> str:
    """
    The relay's own code for why, in our words: its sentence may quote a patient's name or address.

    What a relay says of one message is kept with that message; this is told of all of them, to staff.
    """
    code = re.match(r"\s*4\.(\d)\.\d{1,3}(?!\S)", says)
    return f" {code[0].strip()} ({_CLASSES[code[1]]})" if code and code[1] in _CLASSES else ""


def _concerns_all(command: str, code: int, says: str) -> str | None:
    if code in _LOGIN_WANTED:
        return "gateway-credentials"
    if command == "mail" and 500 <= code < 600 and code != 552:  # 552: this message is too large
        return "gateway-sender-refused"
    if code >= 500 and code_in(says) in _OF_THE_SENDER:
        return "gateway-sender-refused"
    if command == "rcpt" and code in (550, 551, 554) and _RELAY.search(_ADDRESS.sub("", says)):
        return "gateway-sender-refused"
    return None


def no_connection(error: OSError, section: str) -> str:
    """Why there is no connection to the relay, in a sentence; `section`: of the settings."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 0:
        return (
            f"the relay refuses the connection with {error.smtp_code}: it accepts nothing for now"
        )
    if isinstance(error, NoToken):
        return f"there is no access token: {section}.token_url does not answer, or not now"
    if isinstance(error, smtplib.SMTPServerDisconnected | TimeoutError):
        return (
            "the relay does not answer: it closed the connection, or said nothing in time "
            f"({section}.timeout_seconds)"
        )
    return f"the relay cannot be reached: no connection to {section}.host at {section}.port"


def queue_id(says: str) -> str:
    """The relay's name for the message, from `… queued as 4F3A…`; empty if it did not say."""
    words = says.partition("queued as ")[2].split()
    return "".join(filter(str.isalnum, words[0]))[:80] if words else ""
