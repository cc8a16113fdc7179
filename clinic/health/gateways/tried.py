"""
One message to a number or address of one's own, through the very gateway that patients' messages take.

Refused for what is on the record: a test is no way to message a patient past all that is asked. On the
trail, refused or before it is sent, without the number. Its reference is none of a campaign's: its receipt
moves nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

import pandas as pd

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.gateway.choose import gateway_by_name
from clinic.gateway.processors import channels_of, require_allowed
from clinic.gateway.protocol import Answer, Outgoing, Taken, Turned
from clinic.govern.audit.trail import Act, record_act
from clinic.health.gateways.checked import require_known
from clinic.message.failover.standing import note_worked
from clinic.message.incoming.senders import find_senders
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.values.phone import judge_for

_REFERENCE: Final = 1  # of no campaign: theirs begin far above
# Answered, and never sent: GOV.UK Notify's smoke tests
_PRETENDS: Final = ("+447700900000", "+447700900111", "+447700900222")


@dataclass(frozen=True)
class Tried:
    """What became of it."""

    taken: bool
    says: str


def try_gateway(
    record: Record, clock: Clock, settings: Settings, name: str, *, to: str, by: str
) -> Tried:
    """
    Send one message, and say what the gateway answered.

    Raises:
        NotFound, SettingsWrong: there is no such gateway, or it cannot work
        NotAllowed: it is no number or address; or it is on the record
    """
    require_known(settings, name)
    channel = _channel(settings, name, to)
    address = _judged(settings, channel, to)
    with record.read() as connection:
        known = find_senders(connection, channel, [address], settings.phones)[address].all
    if known:
        _note(record, clock, name, channel, by, outcome="refused")
        raise NotAllowed(
            "gateway-test-patient",
            "that number or address is on the record: a test goes to one of your own. To message a "
            "patient: cohort message",
        )
    require_allowed(settings, name)
    gateway = gateway_by_name(settings, name, channel, clock)
    try:
        _note(record, clock, name, channel, by)
        text = f"Test of the gateway {name} by {settings.organisation.name or 'Cohort'}. Nothing to do."
        message = Outgoing(_REFERENCE, address, text, "Test of a gateway")
        answer = gateway.send(
            str(uuid.uuid4()), [message], per_request=1, only=frozenset({_REFERENCE})
        )
        if isinstance(answer.results.get(_REFERENCE), Taken) and answer.halt is None:
            with record.write() as connection:
                note_worked(connection, name, channel)  # whoever found it out may use it again
    finally:
        gateway.close()
    return _told(answer)


def _channel(settings: Settings, name: str, to: str) -> str:
    """E-mail to an address, else what it sends besides."""
    if "@" in to:
        return "email"
    return next((one for one in channels_of(settings, name) if one != "email"), "sms")


def _judged(settings: Settings, channel: str, to: str) -> str:
    texts = pd.Series([to], dtype="str")
    found = judge_for(channel, texts, settings.phones)
    address, fault = found["address"].iloc[0], found["fault"].iloc[0]
    if not isinstance(address, str) or not address or (isinstance(fault, str) and fault):
        raise NotAllowed(
            "gateway-test-number", "that is no number or address that messages can be sent to"
        )
    if address in _PRETENDS:
        raise NotAllowed(
            "gateway-test-number",
            "providers answer for that number and send nothing: give one of a phone in your hand",
        )
    return address


def _note(
    record: Record, clock: Clock, name: str, channel: str, by: str, *, outcome: str = "done"
) -> None:
    with record.write() as connection:
        act = Act(
            operator=by, operation_type="gateway.tested", subject="gateway",
            new_values={"gateway": name, "channel": channel}, outcome=outcome,
        )  # fmt: skip
        record_act(connection, clock, act)


def _told(answer: Answer) -> Tried:
    result = answer.results.get(_REFERENCE)
    if isinstance(result, Taken):
        changed = answer.halt == "gateway-rewrites"
        says = " But its text is not ours: cohort help gateway-rewrites" if changed else ""
        return Tried(
            not changed, f"The gateway took it ({result.gateway_ref or 'it gave no id'}).{says}"
        )
    if isinstance(result, Turned):
        return Tried(False, f"The gateway rejects it: {result.code} {result.says}".rstrip())
    why = answer.trouble or answer.halt or "it did not say"
    fate = "was not sent" if _REFERENCE in answer.not_sent else "may have been sent: nobody knows"
    return Tried(False, f"The message {fate}: {why}.")
