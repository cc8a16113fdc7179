"""A message as the clinical record has it: a FHIR R4 Communication, as a plain dictionary (ACX-32, COM-7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from clinic.fhir.codes import CATEGORY, MEDIUM, NOT_DONE, SNOMED, concept
from clinic.message.network_reasons import REASONS
from clinic.record.schema.govern import ERASED

# By the status of the clinical item
STATUS: Final[Mapping[str, str]] = MappingProxyType(
    {"pending": "in-progress", "sent": "completed", "failed": "not-done"}
)
# A text has no code of its own in ParticipationMode; ELECTRONIC is what UK Core's example has
_MEDIUM: Final = {"sms": "ELECTRONIC", "email": "EMAILWRIT", "voice": "PHONE"}
_BAD_NUMBER: Final = frozenset(
    {"unknown_subscriber", "number_does_not_exist", "invalid_number", "illegal_equipment"}
)
_AWAY: Final = frozenset(
    {
        "absent_subscriber", "busy", "no_memory", "no_receipt", "expired", "mailbox_unknown",
        "mailbox_disabled", "mailbox_full", "domain_unknown",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What a Communication is made of. status: pending, sent or failed; reminder: of an appointment."""

    message_id: int
    campaign_id: int
    channel: str
    status: str
    error_code: str | None
    sent_at: datetime | None
    status_at: datetime
    snomed_codes: str | None
    purpose: str
    reminder: bool
    subject: str | None
    body: str | None


def communication(said: Said, *, system: str, patient: str) -> dict[str, Any]:
    """
    The resource of a message.

    Args:
        system: of our identifiers: the installation's own
        patient: the reference of the patient there, "Patient/12"
    """
    made: dict[str, Any] = {
        "resourceType": "Communication",
        "identifier": [
            {"system": system, "value": message_identifier(said.message_id)},
            {"system": system, "value": f"outreach-{said.campaign_id}"},
        ],
        "category": [concept(CATEGORY, "reminder" if said.reminder else "notification")],
        "medium": [concept(MEDIUM, _MEDIUM.get(said.channel, "ELECTRONIC"))],
        "subject": {"reference": patient},
        "recipient": [{"reference": patient}],
        "topic": {"text": said.purpose},
        **status_of(said),
    }
    if codes := (said.snomed_codes or "").split():
        made["reasonCode"] = [concept(SNOMED, code) for code in codes]
    if said.sent_at is not None:
        made["sent"] = said.sent_at.isoformat(timespec="seconds")
    texts = [text for text in (said.subject, said.body) if text and text.strip() and text != ERASED]
    if texts:
        made["payload"] = [{"contentString": text} for text in texts]
    return made


def status_of(said: Said) -> dict[str, Any]:
    """What changes of a message with its receipts: status, reason, time of receipt."""
    made: dict[str, Any] = {"status": STATUS[said.status]}
    if said.status == "failed":
        made["statusReason"] = _reason(said.error_code)
    if said.status == "sent":
        made["received"] = said.status_at.isoformat(timespec="seconds")
    return made


def with_status(there: Mapping[str, Any], said: Said) -> dict[str, Any]:
    """What is there, with our status: what others have added to it stays."""
    kept = {
        name: value for name, value in there.items() if name not in ("statusReason", "received")
    }
    return {**kept, **status_of(said)}


def message_identifier(message_id: int) -> str:
    """The value of our identifier of a message."""
    return f"message-{message_id}"


def _reason(code: str | None) -> dict[str, Any]:
    kind = (
        "invalid-phone-number" if code in _BAD_NUMBER
        else "recipient-unavailable" if code in _AWAY
        else "system-error"
    )  # fmt: skip
    known = REASONS.get(code or "")
    return {**concept(NOT_DONE, kind), "text": known.says if known else (code or "not sent")}
