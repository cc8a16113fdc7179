"""Consent: only what is about being contacted; privacy and research are other consents."""

from __future__ import annotations

import re
from typing import Final

from clinic.cohort.consent_codes import CODES
from clinic.sources.fhir.rows.parts import (
    NOBODY,
    NOT_KNOWN,
    SNOMED,
    Context,
    Reader,
    Resource,
    Row,
    items,
    part,
    text,
    who,
)

# As this program saves its own (clinic/outside_record/others.py)
_OURS: Final = re.compile(r"messages by (\w+), purpose (\w+)")
_COLUMNS: Final = (
    "NHS Number",
    "Local ID",
    "Decision",
    "Channel",
    "Purpose",
    "Code",
    "Date",
    "Time",
)
_DECISIONS: Final = {"deny": "opted out", "permit": "opted in"}


def _read(consent: Resource, context: Context) -> list[Row] | str:
    status = text(consent, "status")
    if status != "active":  # nothing lifts an opt-out but a later consent
        return f"status {status or 'missing'}"
    concepts = [*items(consent, "category"), *items(part(consent, "provision"), "code")]
    code = next(
        (
            text(each, "code")
            for one in concepts
            for each in items(one, "coding")
            if text(each, "system") == SNOMED and text(each, "code") in CODES
        ),
        "",
    )
    ours = next((found for one in concepts if (found := _OURS.fullmatch(text(one, "text")))), None)
    if not code and ours is None:
        return "not about being contacted"
    nhs, own = who(part(consent, "patient"), context)
    if (nhs, own) == NOBODY:
        return NOT_KNOWN
    decision = _DECISIONS.get(text(part(consent, "provision"), "type"), "")
    channel, purpose = (ours[1], ours[2]) if ours else ("", "")
    date, _, time = text(consent, "dateTime").partition("T")
    if ours:
        code = ""  # its words say channel and purpose too
    clock = time[:5] if len(time) >= 5 else ""
    return [
        (nhs, own, decision if not code else "", channel if channel != "any" else "",
         purpose if purpose != "any" else "", code, date, clock)
    ]  # fmt: skip


CONSENTS: Final = Reader(("Consent",), _COLUMNS, _read, lambda consent: [part(consent, "patient")])
