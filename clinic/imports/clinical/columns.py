"""What imports of diagnoses, medications and allergies read, and what a row of theirs may end with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table

from clinic.imports.kind import Kind
from clinic.imports.left import HEADINGS, LEFT
from clinic.imports.who import NOT_TAKEN
from clinic.record.schema.clinical import allergy, diagnosis, medication

_CODE: Final = ("SNOMED CT Concept ID", "SNOMED Code", "SNOMED CT Code", "SNOMED Concept ID", "Concept ID",
                "DM+D Code", "Code", "CTV3 Code", "Read Code")  # fmt: skip
_SYSTEM: Final = ("Code System", "System", "Coding System")
_STATUS: Final = (
    "Status",
    "Clinical Status",
    "Problem Status",
    "Problem Status Description",
    "Is Active",
)


@dataclass(frozen=True)
class ClinicalKind:
    """
    A kind, its table, and the words of its states.

    began: its column for the day on which it began; states: words of sources → ours; over, going: the states of
    one that has ended, and of one of which nothing is said
    """

    kind: Kind
    table: Table
    began: str
    columns: tuple[str, ...]
    states: Mapping[str, str]
    over: str
    going: str = "active"


DIAGNOSES: Final = ClinicalKind(
    Kind(
        "diagnoses",
        "Diagnoses, a row each.",
        {
            "code": _CODE,
            "system": _SYSTEM,
            "text": ("Term", "Diagnosis", "Problem", "Condition", "Description", "Code Term", "Name"),
            "onset": ("Onset Date", "Date of Onset", "Effective Date", "Diagnosis Date", "Start", "Start Date",
                      "Date Event", "Date"),
            "ended": ("End Date", "Date End", "Stop", "Resolved Date", "Date Ended", "Abatement Date"),
            "status": _STATUS,
            "deleted": HEADINGS,
        },
        (("nhs_number", "local_id"), ("code", "text")),
        dates=("onset", "ended"),
    ),
    diagnosis,
    "onset",
    ("patient_id", "code", "system", "text", "onset", "ended", "status"),
    {
        "active": "active", "current": "active", "yes": "active", "true": "active", "1": "active",
        "recurrence": "recurrence", "relapse": "relapse", "inactive": "inactive", "past": "inactive",
        "significant past": "inactive", "minor past": "inactive", "no": "inactive", "false": "inactive",
        "0": "inactive", "remission": "remission", "resolved": "resolved", "ended": "resolved",
    },
    "resolved",
)  # fmt: skip
MEDICATIONS: Final = ClinicalKind(
    Kind(
        "medications",
        "Medications, a row each.",
        {
            "code": _CODE,
            "system": _SYSTEM,
            "text": ("Name Of Medication", "Medication", "Drug", "Drug Name", "Term", "Description", "Name"),
            "dosage": ("Dosage", "Dose", "Directions", "Dosage Instruction"),
            "started": ("Start Date", "Date Medication Start", "Effective Date", "Start", "Date Event",
                        "Issue Date", "Date"),
            "ended": ("End Date", "Cancellation Date", "Date Medication End", "Stop", "Date End"),
            "status": _STATUS,
            "deleted": HEADINGS,
        },
        (("nhs_number", "local_id"), ("code", "text")),
        dates=("started", "ended"),
    ),
    medication,
    "started",
    ("patient_id", "code", "system", "text", "dosage", "started", "ended", "status"),
    {
        "active": "active", "current": "active", "yes": "active", "true": "active", "1": "active",
        "repeat": "active", "acute": "active", "completed": "completed", "ended": "completed",
        "past": "completed", "stopped": "stopped", "cancelled": "stopped", "no": "stopped",
        "false": "stopped", "0": "stopped", "on hold": "on-hold",
    },
    "completed",
)  # fmt: skip
ALLERGIES: Final = ClinicalKind(
    Kind(
        "allergies",
        "Allergies, a row each.",
        {
            "code": _CODE,
            "system": _SYSTEM,
            "text": ("Allergy", "Allergen", "Substance", "Term", "Description", "Name"),
            "onset": ("Onset Date", "Date Started", "Effective Date", "Start", "Start Date", "Date Event",
                      "Date"),
            "ended": ("Date Ended", "End Date", "Stop"),
            "status": _STATUS,
            "deleted": HEADINGS,
            "criticality": ("Criticality", "Severity"),
        },
        (("nhs_number", "local_id"), ("code", "text")),
        dates=("onset", "ended"),
    ),
    allergy,
    "onset",
    ("patient_id", "code", "system", "text", "onset", "status", "criticality"),
    {
        "active": "active", "current": "active", "yes": "active", "true": "active", "1": "active",
        "inactive": "inactive", "no": "inactive", "false": "inactive", "0": "inactive",
        "resolved": "resolved", "ended": "resolved",
    },
    "resolved",
)  # fmt: skip
CRITICALITY: Final = {
    "low": "low", "mild": "low", "high": "high", "severe": "high", "moderate": "unable-to-assess",
    "unable to assess": "unable-to-assess",
}  # fmt: skip
SAYS: Final = {
    "added": "One that the record did not have.",
    "changed": "One of which something is other now: its end, state, dosage or words.",
    "unchanged": "One that the record has as the file says.",
    "repeated": "The same one of the same patient, begun on the same day, stands in an earlier row.",
    "code_missing": "Neither a code nor words: nothing is taken.",
    "code_rounded": "A spreadsheet has rounded the code (1.1E+17, or zeros where digits were): it is another "
    "one's now. Export the column as text, and import it again.",
    "code_invalid": "No SNOMED CT code: its check digit is wrong. Nothing is taken.",
    "day_invalid": "The day on which it began or ended cannot be read, or is to come: nothing is taken.",
    "status_unknown": "The state is not a word that is known: nothing is taken. The words are in docs/data.md.",
    LEFT: "The other system has taken this row out: it is not added, and what the record has of it stays as it "
    "is. Look there whether it was wrong.",
    **NOT_TAKEN,
    "unreadable_row": "More or fewer cells than the heading: nothing is taken. Fix the row in the file.",
}
PROBLEMS: Final = frozenset(SAYS) - {"added", "changed", "unchanged", "repeated"}
