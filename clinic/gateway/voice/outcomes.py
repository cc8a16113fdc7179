"""
What became of a call, by the words of Twilio's status callbacks: one table, docs and test at once.

A person who answered has the message. A machine does not, nor does a line that was busy or rang in vain. A call
that was answered, and nobody knows by whom, is left as it is: nobody is called again for it by itself.
Source: twilio.com/docs/voice/api/call-resource (CallStatus), twilio.com/docs/voice/answering-machine-detection
(AnsweredBy), RFC 3261 §21 (SipResponseCode).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from clinic.gateway.received import Said


class Ended(NamedTuple):
    """
    One row. The first that fits counts.

    answered: AnsweredBy, SIP codes for `failed`; empty: whatever it is
    reason: of an undelivered one (clinic/message/network_reasons.py)
    """

    status: str
    answered: tuple[str, ...]
    says: Said
    why: str
    reason: str = ""


TABLE: Final = (
    Ended("completed", ("human",), "delivered", "a person answered"),
    Ended(
        "completed",
        ("machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"),
        "undelivered", "an answering machine took the message, or a fax", "machine_answered",
    ),
    Ended("completed", (), "accepted", "it was answered, and nobody knows by whom"),
    Ended("no-answer", (), "undelivered", "nobody answered", "not_answered"),
    Ended("busy", (), "undelivered", "the line was busy", "busy"),
    Ended("failed", ("404", "410", "484", "604"), "undelivered", "there is no such number",
          "number_does_not_exist"),
    Ended("failed", (), "undelivered", "the call could not be made", "call_failed"),
    Ended("canceled", (), "undelivered", "it was taken back before it was answered", "call_failed"),
    *(Ended(one, (), "accepted", "it is under way")
      for one in ("queued", "initiated", "ringing", "in-progress")),
)  # fmt: skip

# Nobody was there: it says nothing of the list, the number or the gateway
NOBODY_IN: Final = frozenset({"machine_answered", "not_answered", "busy"})
# After these the same number may be called again: it is known that no person heard the message
AGAIN: Final = NOBODY_IN | {"call_failed"}


def ended(status: str, answered_by: str, sip_code: str) -> Ended | None:
    """What a status says; None: nobody knows the word."""
    about = sip_code if status == "failed" else answered_by
    for one in TABLE:
        if one.status == status and (not one.answered or about in one.answered):
            return one
    return None


def outcomes_table() -> str:
    """The rows of the table in docs/gateways.md."""
    rows = ["| the call | | the message |", "|---|---|---|"]
    for one in TABLE:
        about = ", ".join(f"`{each}`" for each in one.answered)
        reason = f", `{one.reason}`" if one.reason else ""
        call = f"`{one.status}`{f' {about}' if about else ''}"
        rows.append(f"| {call} | {one.why} | {one.says}{reason} |")
    return "\n".join(rows) + "\n"
