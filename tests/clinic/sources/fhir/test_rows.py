"""Issue 16: resources as rows: codes that FHIR R4 requires, UK Core's extensions, what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from clinic.outside_record.others import consent_resource
from clinic.settings import ImportKind
from clinic.sources.fhir.rows.parts import Context
from clinic.sources.fhir.rows.readers import READERS
from tests.clinic.sources.fhir.asking import APPOINTMENT, PATIENT

NHS = "https://fhir.nhs.uk/Id/nhs-number"
CORE = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-"
WHO = {"subject": {"reference": "Patient/p1"}}
SNOMED = {
    "coding": [{"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes"}]
}


def read(kind: ImportKind, resource: Mapping[str, Any]) -> dict[str, str] | str:
    """The first row by heading, or why there is none."""
    context = Context("urn:own", date(2026, 3, 2), {"p1": ("9990000018", "")})
    found = READERS[kind].read(resource, context)
    return (
        found if isinstance(found, str) else dict(zip(READERS[kind].columns, found[0], strict=True))
    )


def death(code: str) -> dict[str, Any]:
    inner = {"url": "deathNotificationStatus", "valueCodeableConcept": {"coding": [{"code": code}]}}
    return {"extension": [{"url": f"{CORE}DeathNotificationStatus", "extension": [inner]}]}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"gender": "female", "birthDate": "1980-05"}, {"Sex": "female", "Date of Birth": "1980-05"}),
        ({"gender": "weiblich"}, {"Sex": ""}),
        ({"deceasedDateTime": "2010-10-22T00:00:00+00:00"}, {"Date of Death": "2010-10-22"}),
        ({"deceasedBoolean": True}, {"Patient Status": "deceased", "Date of Death": ""}),
        ({"deceasedBoolean": False}, {"Patient Status": ""}),
        (death("1"), {"Patient Status": "deceased"}),
        (death("2"), {"Patient Status": "deceased"}),
        (death("U"), {"Patient Status": ""}),
        ({"active": False}, {"Patient Status": "left"}),
        ({"active": True}, {"Patient Status": ""}),
        ({"identifier": [{"system": "urn:own", "value": "E7"}]}, {"NHS Number": "", "Local ID": "E7"}),
        ({"identifier": []}, {"NHS Number": "", "Local ID": "p1"}),
        (
            {"name": [{"use": "old", "family": "Then"},
                      {"use": "official", "family": "Now", "given": ["Ann", "Bee"]}]},
            {"Family Name": "Now", "Given Name": "Ann"},
        ),
        (
            {"telecom": [
                {"system": "phone", "use": "mobile", "value": "07700900001", "period": {"end": "2020-01-01"}},
                {"system": "phone", "use": "mobile", "value": "07700900002", "rank": 2},
                {"system": "phone", "use": "mobile", "value": "07700900003", "rank": 1},
                {"system": "phone", "value": "01632960001"},
                {"system": "email", "use": "home", "value": "a@example.com"},
            ]},
            {"Mobile": "07700900003", "Home Phone": "01632960001", "Email": "a@example.com"},
        ),
        (
            {"managingOrganization": {"identifier": {
                "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "A20047"}}},
            {"Organisation Code": "A20047"},
        ),
    ],
)  # fmt: skip
def test_a_patient_is_read_as_the_server_means_them(more: Any, says: Mapping[str, str]) -> None:
    """Traps 13 and 24: no time zone moves a day, and a part of a date stays one."""
    row = read("patients", PATIENT | more)
    assert isinstance(row, dict)
    assert {name: row[name] for name in says} == says


def test_a_patient_whom_another_replaces_is_left_out() -> None:
    assert isinstance(read("patients", PATIENT | {"link": [{"type": "replaced-by"}]}), str)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("booked", "booked"), ("arrived", "arrived"), ("checked-in", "arrived"), ("fulfilled", "fulfilled"),
        ("noshow", "no show"), ("cancelled", "cancelled"), ("entered-in-error", "cancelled"),
        ("pending", "pending"), ("proposed", "proposed"), ("waitlist", "waitlist"), ("reserved", "reserved"),
        (None, ""),
    ],
)  # fmt: skip
def test_a_status_is_one_that_the_import_knows_and_no_doubt_is_taken_for_booked(
    code: str | None, word: str
) -> None:
    """Trap 22."""
    row = read("appointments", APPOINTMENT | {"status": code})
    assert isinstance(row, dict)
    assert row["Status"] == word


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, {"Start": "2026-03-03T09:00:00+00:00", "Duration Minutes": "10", "NHS Number": "9990000018"}),
        ({"minutesDuration": None, "end": "2026-03-03T09:25:00+00:00"}, {"Duration Minutes": "25"}),
        ({"serviceType": [{"text": "Flu"}]}, {"Appointment Type": "Flu"}),
        (
            {"extension": [{"url": f"{CORE}DeliveryChannel",
                            "valueCodeableConcept": {"coding": [{"code": "x", "display": "In person"}]}}]},
            {"Mode": "In person"},
        ),
        (
            {"participant": [{"actor": {"type": "Patient",
                                        "identifier": {"system": NHS, "value": "9990000026"}}},
                             {"actor": {"reference": "Practitioner/d1"}},
                             {"actor": {"reference": "Location/l1", "display": "Elm House"}}]},
            {"NHS Number": "9990000026", "Provider Code": "d1", "Facility Code": "l1", "Place": "Elm House"},
        ),
    ],
)  # fmt: skip
def test_an_appointment_is_whose_when_where_and_with_whom(
    more: Any, says: Mapping[str, str]
) -> None:
    row = read("appointments", APPOINTMENT | more)
    assert isinstance(row, dict)
    assert {name: row[name] for name in says} == says


def test_a_cancelled_appointment_is_told_also_without_its_patient() -> None:
    row = read("appointments", APPOINTMENT | {"status": "cancelled", "participant": []})
    assert isinstance(row, dict)
    assert (row["Appointment ID"], row["NHS Number"], row["Status"]) == ("a1", "", "cancelled")
    assert read("appointments", APPOINTMENT | {"participant": []}) == "no patient"


def consent(**more: Any) -> dict[str, Any]:
    dissent = {"system": "http://snomed.info/sct", "code": "513631000000106"}
    provision = {"type": "deny", "code": [{"coding": [dissent]}]}
    return {
        "status": "active", "patient": {"reference": "Patient/p1"}, "dateTime": "2026-02-01T10:00:00+00:00",
        "provision": provision,
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, {"Code": "513631000000106", "Decision": "", "Date": "2026-02-01", "Time": "10:00"}),
        (
            {"provision": {"type": "deny", "code": [{"text": "messages by email, purpose any"}]}},
            {"Decision": "opted out", "Channel": "email", "Purpose": "", "Code": ""},
        ),
        (
            {"provision": {"type": "permit", "code": [{"text": "messages by sms, purpose feedback"}]}},
            {"Decision": "opted in", "Channel": "sms", "Purpose": "feedback"},
        ),
        ({"status": "inactive"}, "status inactive"),
        ({"status": "entered-in-error"}, "status entered-in-error"),
        (
            {"provision": {"type": "deny"}, "category": [{"coding": [{"code": "INFA"}]}]},
            "not about being contacted",
        ),
        ({"patient": {"reference": "Patient/p9"}}, "patient is not known there"),
    ],
)  # fmt: skip
def test_only_consents_about_being_contacted_are_decisions(
    more: Any, says: Mapping[str, str] | str
) -> None:
    """Research and privacy are other consents; nothing that ended lifts an opt-out."""
    row = read("consents", consent(**more))
    assert row == says if isinstance(row, str) else {name: row[name] for name in says} == says


GIVEN = {"code": [{"coding": [{"system": "http://snomed.info/sct", "code": "699237001"}]}]}
BY_EMAIL = {"code": [{"text": "messages by email, purpose any"}]}
OTHER = {"code": [{"coding": [{"system": "http://loinc.org", "code": "57016-8"}]}]}
NO, YES = {"type": "deny"}, {"type": "permit"}
SAYS_NO = {"Decision": "opted out", "Channel": "sms", "Code": ""}
SAYS_YES = {"Code": "699237001", "Decision": ""}
ENDED = {"Decision": "consent ended", "Channel": "sms", "Purpose": "", "Code": ""}


def policy(code: str) -> dict[str, Any]:
    return {"policyRule": {"coding": [{"code": code}]}}


def below(*rules: Mapping[str, Any], **root: Any) -> dict[str, Any]:
    return {"provision": {**root, "provision": list(rules)}}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        # As R4 has it: the policy holds, a rule below says of what
        (policy("OPTIN") | below(GIVEN | YES), SAYS_YES),
        (policy("OPTOUT") | below(BY_EMAIL | NO), {"Decision": "opted out", "Channel": "email"}),
        (policy("OPTIN") | below(BY_EMAIL | YES), {"Decision": "opted in", "Channel": "email"}),
        # A type in the root, which R4 does not permit, is what many systems write
        ({"provision": GIVEN | YES}, SAYS_YES),
        ({"provision": GIVEN | NO}, SAYS_NO),
        ({"provision": {"type": "permit"}, "category": [GIVEN["code"][0]]}, SAYS_YES),
        ({"provision": {"type": "deny"}, "category": [GIVEN["code"][0]]}, SAYS_NO),
        # All is denied but what is named, as German systems write it; all is permitted but what is named
        (below(GIVEN | YES, type="deny"), SAYS_YES),
        (policy("OPTOUTE") | below(GIVEN | YES), SAYS_YES),
        (below(GIVEN | NO, type="permit"), SAYS_NO),
        # Opt-out wins on doubt
        (policy("OPTOUT") | {"provision": GIVEN | YES}, SAYS_NO),
        (policy("OPTOUT") | {"provision": {}, "category": [GIVEN["code"][0]]}, SAYS_NO),
        (below(GIVEN | YES, GIVEN | NO), SAYS_NO),
        (below(GIVEN | YES, NO), SAYS_NO),
        (below(GIVEN | YES | {"provision": [GIVEN | NO]}), SAYS_NO),
        (below(OTHER | NO) | {"category": [GIVEN["code"][0]]}, SAYS_NO),
        (below(GIVEN | YES, OTHER | NO), SAYS_YES),
        ({"provision": YES | {"code": [{"coding": [{"system": "http://snomed.info/sct",
                                                    "code": "513631000000106"}]}]}},
         {"Code": "513631000000106", "Decision": ""}),
        # A permission that is over, or to come, lifts nothing; a denial that is over stays one
        (below(GIVEN | YES | {"period": {"end": "2026-03-01"}}), ENDED),
        (below(GIVEN | YES | {"period": {"start": "2026-03-03T00:00:00Z"}}), ENDED),
        (below(GIVEN | YES | {"period": {"start": "2026"}}), SAYS_YES),
        # One that is to end lifts nothing either: nobody looks again on that day
        (below(GIVEN | YES | {"period": {"start": "2026", "end": "2036-03-02"}}), ENDED),
        (below(GIVEN | YES) | {"period": {"end": "2036-03-02"}}, ENDED),
        (below(BY_EMAIL | YES) | {"status": "inactive"}, ENDED | {"Channel": "email"}),
        (below(GIVEN | YES) | {"status": "entered-in-error"}, ENDED),
        (below(GIVEN | YES) | {"status": "inactive", "dateTime": ""}, "status inactive"),
        (below(GIVEN | NO | {"period": {"end": "2020-01-01"}}), SAYS_NO),
        ({"status": "rejected", "provision": GIVEN | YES}, SAYS_NO),
        ({"status": "rejected", "provision": GIVEN | NO}, "status rejected"),
        ({"provision": BY_EMAIL}, "neither yes nor no in force"),
        # As R5 has it: the Consent decides, a list of provisions are the exceptions
        ({"decision": "permit", "provision": [], "category": [GIVEN["code"][0]]}, SAYS_YES),
        ({"decision": "deny", "provision": [], "category": [GIVEN["code"][0]]}, SAYS_NO),
        ({"decision": "deny", "provision": [GIVEN]}, SAYS_NO),
        ({"decision": "deny", "provision": [GIVEN | YES]}, SAYS_NO),
        ({"decision": "deny", "provision": [OTHER], "category": [GIVEN["code"][0]]}, SAYS_NO),
        ({"decision": "permit", "provision": [GIVEN]}, SAYS_NO),
        ({"decision": "permit", "provision": [GIVEN | {"decision": "deny"}]}, SAYS_NO),
        ({"decision": "permit", "provision": [OTHER], "category": [GIVEN["code"][0]]}, SAYS_YES),
        ({"decision": "permit", "provision": [{"provision": [GIVEN]}]}, SAYS_NO),
        ({"decision": "permit", "provision": [{"actor": []}], "category": [GIVEN["code"][0]]}, ENDED),
        ({"provision": [GIVEN | NO]}, SAYS_NO),
        ({"provision": [GIVEN | {"decision": "deny"}]}, SAYS_NO),
        ({"provision": [GIVEN | YES, NO]}, SAYS_NO),
        ({"provision": [GIVEN | YES]}, SAYS_YES),
        ({"provision": GIVEN | {"decision": "deny"}}, SAYS_NO),
        ({"decision": "deny", "provision": GIVEN | YES, "patient": {}, "dateTime": "",
          "subject": {"reference": "Patient/p1"}, "date": "2026-02-01"}, SAYS_NO | {"Date": "2026-02-01"}),
        # Every coding of a policy is read
        ({"policyRule": {"coding": [{"code": "x"}, {"code": "OPTOUT"}]}, "provision": GIVEN}, SAYS_NO),
    ],
)  # fmt: skip
def test_a_consent_says_yes_only_where_nothing_in_it_says_no(
    more: Any, says: Mapping[str, str] | str
) -> None:
    """COM-12: by the rules of R4, and by those of systems that write a type into the root."""
    row = read("consents", consent(**more))
    assert row == says if isinstance(row, str) else {name: row[name] for name in says} == says


@pytest.mark.parametrize("decision", ["opt_in", "opt_out"])
@pytest.mark.parametrize(
    ("channel", "purpose"), [("sms", "any"), ("email", "feedback"), ("any", "any")]
)
def test_what_this_program_saved_is_read_as_it_was_decided(
    decision: str, channel: str, purpose: str
) -> None:
    at = datetime(2026, 2, 1, 10, tzinfo=UTC)
    own = {"id": 4, "decision": decision, "channel": channel, "purpose": purpose, "decided_at": at}
    row = read("consents", consent_resource(own, "urn:uuid:x", "Patient/p1"))
    assert isinstance(row, dict)
    words = {"opt_in": "opted in", "opt_out": "opted out"}
    said = (row["Decision"], row["Channel"], row["Purpose"])
    assert said == tuple(
        "" if each == "any" else each for each in (words[decision], channel, purpose)
    )


@pytest.mark.parametrize(
    ("kind", "resource", "says"),
    [
        (
            "diagnoses", WHO | {"code": SNOMED, "onsetDateTime": "2020-05-01",
                                "clinicalStatus": {"coding": [{"code": "active"}]}},
            {"Code": "44054006", "Term": "Diabetes", "Onset Date": "2020-05-01", "Status": "active"},
        ),
        ("diagnoses", WHO | {"verificationStatus": {"coding": [{"code": "refuted"}]}}, "refuted"),
        (
            "medications", WHO | {"resourceType": "MedicationRequest", "status": "active",
                                  "contained": [{"id": "m", "code": SNOMED}],
                                  "authoredOn": "2026-01-01T08:00:00Z",
                                  "medicationReference": {"reference": "#m"},
                                  "dosageInstruction": [{"text": "one a day"}]},
            {"Medication": "Diabetes", "Dosage": "one a day", "Start Date": "2026-01-01", "Status": "active"},
        ),
        ("medications", WHO | {"status": "entered-in-error"}, "entered-in-error"),
        (
            "allergies", {"patient": {"reference": "Patient/p1"}, "code": SNOMED, "criticality": "high",
                          "clinicalStatus": {"coding": [{"code": "active"}]}},
            {"Allergy": "Diabetes", "Criticality": "high", "NHS Number": "9990000018"},
        ),
        (
            "facilities", {"id": "l1", "name": "Elm", "status": "inactive"},
            {"Facility Code": "l1", "Active": "no"},
        ),
        (
            "providers", {"resourceType": "Practitioner", "id": "d1",
                          "name": [{"prefix": ["Dr"], "given": ["Ann"], "family": "Lee"}]},
            {"Provider Code": "d1", "Provider Name": "Dr Ann Lee", "Active": "yes"},
        ),
        (
            "groups", {"id": "g1", "type": "person", "actual": True, "name": "Carers",
                       "member": [{"entity": {"reference": "https://x/Patient/p1/_history/2"},
                                   "inactive": True}]},
            {"Group Code": "g1", "NHS Number": "9990000018", "Date Removed": "2026-03-02"},
        ),
        ("groups", {"id": "g1", "type": "device", "actual": True}, "not a group of persons"),
    ],
)  # fmt: skip
def test_the_other_kinds_are_read(
    kind: ImportKind, resource: Mapping[str, Any], says: Mapping[str, str] | str
) -> None:
    row = read(kind, resource)
    assert row == says if isinstance(row, str) else {name: row[name] for name in says} == says


@pytest.mark.parametrize("kind", READERS)
def test_a_resource_of_nonsense_is_a_row_or_left_out_and_never_a_fault(kind: ImportKind) -> None:
    """A server's resource may be of any shape."""
    names = {
        "identifier", "name", "telecom", "address", "participant", "status", "code", "subject", "patient",
        "member", "provision", "category", "link", "extension", "active", "start", "gender", "birthDate",
        "location", "clinicalStatus", "medicationCodeableConcept", "managingOrganization",
        "generalPractitioner",
    }  # fmt: skip
    for value in (None, 1, "x", [], {}, [None], [{}], [[]], {"coding": [None]}, True):
        for kind_of in READERS[kind].types:
            context = Context("", date(2026, 3, 2))
            resource = dict.fromkeys(names, value) | {"resourceType": kind_of, "id": "x"}
            list(READERS[kind].about(resource))
            READERS[kind].read(resource, context)
