"""Appointment: whose, when, where, with whom, and whether it is still to be."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from clinic.sources.fhir.rows.parts import (
    NOBODY,
    NOT_KNOWN,
    Context,
    Reader,
    Resource,
    Row,
    items,
    part,
    referred,
    text,
    who,
    words,
)

_DELIVERY: Final = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeliveryChannel"
# http://hl7.org/fhir/ValueSet/appointmentstatus, required → the words of docs/data.md. What is undecided, or
# no code of that list, is said as it is: the import takes neither for booked
_STATUSES: Final = {
    "booked": "booked", "arrived": "arrived", "checked-in": "arrived", "fulfilled": "fulfilled",
    "cancelled": "cancelled", "noshow": "no show", "entered-in-error": "cancelled",
}  # fmt: skip
_COLUMNS: Final = (
    "Appointment ID", "NHS Number", "Local ID", "Start", "Status", "Duration Minutes", "Appointment Type",
    "Mode", "Place", "Provider Code", "Facility Code",
)  # fmt: skip


def _read(appointment: Resource, context: Context) -> list[Row] | str:
    patients = _about(appointment)
    known = [each for each in (who(one, context) for one in patients) if each != NOBODY]
    cancelled = text(appointment, "status") in ("cancelled", "entered-in-error")
    if not known and not cancelled:
        return NOT_KNOWN if patients else "no patient"
    if len(known) > 1:
        return "several patients"
    nhs, own = known[0] if known else NOBODY
    actors = [part(each, "actor") for each in items(appointment, "participant")]
    place = next((each for each in actors if referred(each, "Location")), {})
    provider = next((name for each in actors if (name := referred(each, "Practitioner"))), "")
    said = text(appointment, "status")
    return [
        (
            text(appointment, "id"), nhs, own, text(appointment, "start"), _STATUSES.get(said, said),
            _minutes(appointment), _type(appointment), _mode(appointment), text(place, "display"), provider,
            referred(place, "Location"),
        )
    ]  # fmt: skip


def _about(appointment: Resource) -> list[Resource]:
    actors = (part(each, "actor") for each in items(appointment, "participant"))
    return [each for each in actors if referred(each, "Patient") or text(each, "type") == "Patient"]


def _minutes(appointment: Resource) -> str:
    if said := text(appointment, "minutesDuration"):
        return said
    try:
        first, last = (datetime.fromisoformat(text(appointment, name)) for name in ("start", "end"))
        return f"{(last - first).total_seconds() / 60:g}"
    except (ValueError, TypeError):
        return ""


def _type(appointment: Resource) -> str:
    concepts = [part(appointment, "appointmentType"), *items(appointment, "serviceType")]
    return next((said for each in concepts if (said := words(each))), "")


def _mode(appointment: Resource) -> str:
    for each in items(appointment, "extension"):
        if text(each, "url") == _DELIVERY:
            return words(part(each, "valueCodeableConcept"))
    return ""


def _gone(key: str) -> Row:
    """An appointment that the server has no more is cancelled, found by its id."""
    return (key, "", "", "", "cancelled", "", "", "", "", "", "")


APPOINTMENTS: Final = Reader(("Appointment",), _COLUMNS, _read, _about, _gone)
