"""
What becomes of each patient of a selection, and of each field of an operation: a code and a sentence.

The first table is for selection rows, the second for operation items. `detail` of an item may name an
operation or a code; it never holds a patient's value.
"""

from __future__ import annotations

from typing import Final

from clinic.record.schema.change import WILL_CHANGE as WILL_CHANGE

# --- a row of a selection -------------------------------------------------------------------------
SELECTED: Final = "selected"
DUPLICATE: Final = "duplicate"
PATIENT_NOT_FOUND: Final = "patient_not_found"
ID_MISSING: Final = "id_missing"
NHS_NUMBER_INVALID: Final = "nhs_number_invalid"
IDS_CONTRADICT: Final = "ids_contradict"
OTHER_FACILITY: Final = "other_facility"
UNREADABLE: Final = "unreadable_row"

# --- an item of an operation ----------------------------------------------------------------------
ALREADY_SO: Final = "already_so"
LOCKED: Final = "locked"
RESTRICTED: Final = "restricted"
DECEASED: Final = "deceased"
DECEASED_ONCE: Final = "patient_dead"  # as operations before called it; their items are sealed
PATIENT_GONE: Final = "patient_gone"
TRANSITION_NOT_ALLOWED: Final = "transition_not_allowed"
VALUE_DIFFERS: Final = "value_differs"
VALUE_INVALID: Final = "value_invalid"
NO_CAPACITY: Final = "no_capacity"
NO_DEFAULT_PROVIDER: Final = "no_default_provider"
DEFAULT_ELSEWHERE: Final = "default_elsewhere"
VISIT_STAYS: Final = "visit_stays"
CHANGED_SINCE: Final = "changed_since"
CHANGED_BACK: Final = "changed_back"
LATER_OPERATION: Final = "later_operation"
NOT_CHANGED_WITH: Final = "not_changed_with"
DIFFERS_OUTSIDE: Final = "differs_outside"
FAILED: Final = "failed"
NOT_IN_OPERATION: Final = "not_in_operation"
NOT_CHANGED_BY_IT: Final = "not_changed_by_it"
NO_FACILITY: Final = "no_facility"
NO_PROVIDER: Final = "no_provider"
NO_SLOT: Final = "no_slot"
VISIT_EXISTS: Final = "visit_exists"
NATIONAL_OPT_OUT: Final = "national_opt_out"
RESEARCH_OBJECTION: Final = "research_objection"

SAYS: Final = {
    SELECTED: "Selected.",
    DUPLICATE: "The patient appears in an earlier row, which counts.",
    PATIENT_NOT_FOUND: "No patient of this record has this id. Check the list's source.",
    ID_MISSING: "The row has no id.",
    NHS_NUMBER_INVALID: "The NHS number's check digit is wrong. Look it up and correct it.",
    IDS_CONTRADICT: "The row's ids are not one patient's. Look up who is meant and correct the row.",
    OTHER_FACILITY: "The patient is not of the facilities that were named, or that whoever asks is tied to.",
    UNREADABLE: "The row has more or fewer cells than the heading. Correct it in the file.",
    WILL_CHANGE: "Will be changed.",
    ALREADY_SO: "Is so already: nothing to do.",
    LOCKED: "Another operation is changing this patient now. Run the rest again when it has ended.",
    RESTRICTED: "The use of the patient's data is restricted: nothing is changed or exported.",
    DECEASED: "The patient is deceased: the record stays as it is. A person must decide.",
    DECEASED_ONCE: "The patient is deceased: the record stays as it is. A person must decide.",
    PATIENT_GONE: "The patient is no longer in this record.",
    TRANSITION_NOT_ALLOWED: "The status may not change from what it is to this one (settings: operations).",
    VALUE_DIFFERS: "The value is not the one that this operation replaces.",
    VALUE_INVALID: "The value cannot be put right by rule. Correct it by hand.",
    NO_CAPACITY: "No provider of the list can take another patient.",
    NO_DEFAULT_PROVIDER: "The facility has no default provider. Set one, or name a provider.",
    DEFAULT_ELSEWHERE: "The facility's default provider works at another one. Set another, or name a provider.",
    VISIT_STAYS: "The visit's provider does not work there: move it by hand.",
    CHANGED_SINCE: "Somebody else changed this field after the review: their value is kept.",
    CHANGED_BACK: "Somebody changed it and changed it back: their edit is kept.",
    LATER_OPERATION: "A later operation changed it too. Undo that one first.",
    NOT_CHANGED_WITH: "Left as it is because the patient's own change could not be made.",
    DIFFERS_OUTSIDE: "The clinical record outside did not take it: left as it is, here and there.",
    NOT_IN_OPERATION: "The operation that is undone did not concern this patient: nothing to put back.",
    NOT_CHANGED_BY_IT: "The operation that is undone left this patient as they were: nothing to put back.",
    NO_FACILITY: "The patient belongs to no facility. Assign one, or name a provider.",
    NO_PROVIDER: "No active provider is there for this patient. Assign one, or name a provider.",
    NO_SLOT: "No time is left. Take more days or hours, a shorter visit, or another provider.",
    VISIT_EXISTS: "A visit of this type is booked in this time already.",
    NATIONAL_OPT_OUT: "The patient has opted out of research with their data (National Data Opt-out, Type 1).",
    RESEARCH_OBJECTION: "The patient has objected to the use of their data for research.",
    FAILED: "The database refused this change. Look at the value, then run the rest again.",
}

# Worth another try, as a new operation for these patients alone (ALC-36)
RERUN: Final = frozenset(
    {LOCKED, CHANGED_SINCE, NOT_CHANGED_WITH, DIFFERS_OUTSIDE, FAILED, NO_CAPACITY, NO_SLOT}
)
# Found while it was applied, after the review
AT_APPLY: Final = frozenset({CHANGED_SINCE, NOT_CHANGED_WITH, DIFFERS_OUTSIDE, FAILED})
