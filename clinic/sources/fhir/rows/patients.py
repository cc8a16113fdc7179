"""Patient: who somebody is, whether they live, where they are reached."""

from __future__ import annotations

from typing import Final

from clinic.sources.fhir.people import ids_of
from clinic.sources.fhir.rows.parts import (
    Context,
    Reader,
    Resource,
    Row,
    code_of,
    day,
    is_over,
    items,
    part,
    text,
    texts,
)

_ODS: Final = "https://fhir.nhs.uk/Id/ods-organization-code"
_DEATH: Final = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"
)
_SEXES: Final = {"male": "male", "female": "female", "other": "other", "unknown": ""}
_NO_NAMES: Final = frozenset({"old", "nickname", "maiden", "anonymous", "temp"})
_COLUMNS: Final = (
    "NHS Number", "Local ID", "Title", "Given Name", "Family Name", "Date of Birth", "Sex", "Date of Death",
    "Patient Status", "Address", "Postcode", "Mobile", "Home Phone", "Work Phone", "Email",
    "Organisation Code",
)  # fmt: skip


def _read(patient: Resource, context: Context) -> list[Row] | str:
    if any(text(link, "type") == "replaced-by" for link in items(patient, "link")):
        return "replaced by another Patient"
    name = _name(patient, context)
    address = _address(patient, context)
    where = [*texts(address, "line"), *(text(address, each) for each in ("city", "district"))]
    row = (
        *ids_of(dict(patient), context.own_system),
        " ".join(texts(name, "prefix")),
        next(iter(texts(name, "given")), ""),
        text(name, "family"),
        text(patient, "birthDate"),
        _SEXES.get(text(patient, "gender"), ""),
        day(patient, "deceasedDateTime"),
        _status(patient),
        ", ".join(filter(None, where)),
        text(address, "postalCode"),
        _number(patient, context, "mobile"),
        _number(patient, context, "home"),
        _number(patient, context, "work"),
        _telecom(patient, context, ("email",), None),
        _organisation(patient),
    )
    return [row]


def _name(patient: Resource, context: Context) -> Resource:
    names = [
        each
        for each in items(patient, "name")
        if text(each, "use") not in _NO_NAMES and not is_over(each, context.today)
    ]
    best = {"usual": 0, "official": 1}
    names.sort(key=lambda each: best.get(text(each, "use"), 2))
    return names[0] if names else next(items(patient, "name"), {})


def _address(patient: Resource, context: Context) -> Resource:
    found = [
        each
        for each in items(patient, "address")
        if text(each, "use") in ("", "home") and not is_over(each, context.today)
    ]
    return found[0] if found else {}


def _number(patient: Resource, context: Context, use: str) -> str:
    """A number of this use; one without a use is taken for the home's, so that nobody texts it unasked."""
    systems = ("sms", "phone") if use == "mobile" else ("phone",)
    found = _telecom(patient, context, systems, use)
    if use == "mobile" and not found:
        found = _telecom(patient, context, ("sms",), "")
    return found or (_telecom(patient, context, ("phone",), "") if use == "home" else "")


def _telecom(patient: Resource, context: Context, systems: tuple[str, ...], use: str | None) -> str:
    """use: None: any but an old one"""
    found = [
        each
        for each in items(patient, "telecom")
        if text(each, "system") in systems
        and text(each, "use") != "old"
        and use in (None, text(each, "use"))
        and not is_over(each, context.today)
    ]
    found.sort(key=lambda each: (systems.index(text(each, "system")), _rank(each)))
    return text(found[0], "value") if found else ""


def _rank(telecom: Resource) -> int:
    rank = telecom.get("rank")
    return rank if isinstance(rank, int) else 1_000


def _status(patient: Resource) -> str:
    """ "deceased" without a day too; "left" where the record is out of use; else nothing is said."""
    if patient.get("deceasedBoolean") is True or _is_notified(patient):
        return "deceased"
    return "left" if patient.get("active") is False else ""


def _is_notified(patient: Resource) -> bool:
    """A death that was told, informally (1) or formally (2); U took it back."""
    codes = {
        code_of(part(inner, "valueCodeableConcept"))
        for each in items(patient, "extension")
        if text(each, "url") == _DEATH
        for inner in items(each, "extension")
        if text(inner, "url") == "deathNotificationStatus"
    }
    return bool(codes & {"1", "2"})


def _organisation(patient: Resource) -> str:
    for reference in (
        part(patient, "managingOrganization"),
        *items(patient, "generalPractitioner"),
    ):
        named = part(reference, "identifier")
        if text(named, "system") == _ODS:
            return text(named, "value")
    return ""


PATIENTS: Final = Reader(("Patient",), _COLUMNS, _read)
