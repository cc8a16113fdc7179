"""
Why a network or mail system did not deliver: its receipts' reasons, permanent or temporary ([G12]).

Permanent: this number will not work next time either (the practice should correct it). Temporary: it
may. What no row names is temporary, and keeps the code that the gateway gave.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from clinic.gateway.http.reply import clean_code


@dataclass(frozen=True)
class NetworkReason:
    """A reason as we keep it; `known_as`: what gateways call it, in their own or the standards' words."""

    code: str
    permanent: bool
    says: str
    known_as: tuple[str, ...] = ()


NO_RECEIPT: Final = "no_receipt"
SETTLED_NOT_SENT: Final = "settled_not_sent"
SETTLED_SENT: Final = "settled_sent"

_PERMANENT = (
    ("unknown_subscriber", "The network does not know this number.",
     ("unidentified_subscriber", "unknown_destination", "unreachable_destination", "unknown_handset")),
    ("number_does_not_exist", "The number does not exist.",
     ("unallocated_number", "number_not_in_use", "not_in_service")),
    ("invalid_number", "The number is not valid.",
     ("invalid_destination", "invalid_msisdn", "invalid_destination_address")),
    ("rejected_by_operator", "The mobile network rejected the message.",
     ("rejected", "message_rejected", "rejectd", "operator_rejected", "spam", "content_rejected")),
    ("service_suspended", "The number's service is suspended.",
     ("call_barred", "barred", "teleservice_not_provisioned", "suspended")),
    ("blacklisted", "The number is on a do-not-disturb list.",
     ("do_not_disturb", "dnd", "blocked", "blocklisted", "opted_out")),
    ("illegal_equipment", "The network refuses the handset.",
     ("illegal_subscriber", "facility_not_supported", "equipment_not_sms_equipped")),
    ("routing_unavailable", "No route leads to this network.",
     ("no_route", "route_unavailable", "unroutable")),
    ("mailbox_unknown", "There is no such mailbox.", ()),
    ("domain_unknown", "The domain of the address takes no mail.", ()),
    ("mailbox_disabled", "The mailbox is closed.", ()),
    ("duplicate_id", "The gateway saw the message as one it had before.", ("duplicate",)),
    ("too_long", "The message was too long.", ("message_too_long",)),
)  # fmt: skip
_TEMPORARY = (
    ("absent_subscriber", "The phone was off or out of reach.",
     ("unreachable", "unreachable_handset", "handset_off", "detached", "subscriber_absent")),
    ("busy", "The phone was busy.", ("subscriber_busy", "equipment_busy", "congestion")),
    ("not_answered", "Nobody answered the call.", ("noanswer", "patient_did_not_answer")),
    ("machine_answered", "An answering machine took the call, not a person.", ()),
    ("call_failed", "The call could not be made, and the network did not say why.", ("call_service_error",)),
    ("no_memory", "The phone's memory was full.",
     ("memory_capacity_exceeded", "memory_full", "handset_memory_full")),
    ("mailbox_full", "The mailbox was full.", ()),
    ("mail_refused", "The mail system refuses our e-mails: its policy, or it takes them for spam.", ()),
    ("roaming_not_allowed", "The phone was in a network that it may not use.",
     ("roaming_not_permitted",)),
    ("expired", "The network gave up after a time.",
     ("expired_message", "validity_expired", "ttl_expired")),
    ("delivery_failure", "The network could not deliver it and did not say why.",
     ("undelivered", "undeliv", "failed", "system_failure", "technical_failure", "unknown", "error")),
    ("routing_error", "The network lost the way.", ("route_error",)),
    (NO_RECEIPT, "No delivery receipt came in time.", ()),
    (SETTLED_NOT_SENT, "Two people found that it was not sent.", ()),
    (SETTLED_SENT, "Two people found that it was sent.", ()),
)  # fmt: skip

REASONS: Final[dict[str, NetworkReason]] = {
    code: NetworkReason(code, permanent, says, known_as)
    for permanent, rows in ((True, _PERMANENT), (False, _TEMPORARY))
    for code, says, known_as in rows
}
PERMANENT: Final = frozenset(code for code, reason in REASONS.items() if reason.permanent)
# Permanent too, but of one message: they say nothing of the number
_OF_THE_MESSAGE: Final = frozenset({"duplicate_id", "too_long"})
_NAMES: Final = {name: r.code for r in REASONS.values() for name in (r.code, *r.known_as)}

# Every word for a failure after which the same number may do: as networks say it, or gateways at once
NOT_OF_THE_NUMBER: Final = frozenset(
    name for name, code in _NAMES.items() if code not in PERMANENT or code in _OF_THE_MESSAGE
)


def reason_code(given: object) -> str:
    """
    The code under which a gateway's reason is kept: `[a-z0-9_]`, at most 40.

    "Absent Subscriber", "UNDELIV" and "call-barred" are known; what is not keeps its own name, cleaned.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(given or ""))
    if not words.strip():
        return "delivery_failure"
    code = clean_code(words)
    return _NAMES.get(code, code)
