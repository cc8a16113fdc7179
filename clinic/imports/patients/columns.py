"""What an import of patients reads, and what a row of it may end with."""

from __future__ import annotations

from typing import Final

from clinic.cohort.outcomes import OUTCOMES
from clinic.imports.kind import Kind
from clinic.imports.left import HEADINGS
from clinic.imports.patients.belonging import NAMED_BY

KIND: Final = Kind(
    "patients",
    "Patients, a row each.",
    {
        "death_date": ("Date of Death", "Death Date", "Date Death", "Deceased Date", "Died On"),
        "registered_on": ("Date of Registration", "Registration Date", "Date Registered",
                          "Date Registration", "Registered Date"),
        "deregistered_on": ("Date of Deactivation", "Deregistration Date", "Date of Deregistration",
                            "Date DeRegistration", "Date Removed", "Removed Date", "Deducted Date"),
        "status": ("Patient Status", "Registration Status", "Patient Type", "Patient Type Description"),
        "preferred_channel": ("Preferred Contact Method", "Preferred Method of Contact",
                              "Contact Preference", "Preferred Channel"),
        "test_patient": ("Test Patient", "Dummy Type", "Dummy Patient", "Is Test"),
        "deleted": HEADINGS,
        "contact_comments": ("Contact Comments", "Telephone Comments", "Mobile Comments"),
    },
    (("nhs_number", "local_id"),),
    dates=("birth_date", "death_date", "registered_on", "deregistered_on"),
    as_list=True,
)  # fmt: skip

TEXTS: Final = (
    "title", "given_name", "family_name", "sex", "address", "postcode", "mobile", "email",
)  # fmt: skip
DAYS: Final = ("birth_date", "death_date", "registered_on", "deregistered_on")
COLUMNS: Final = ("nhs_number", "local_id", *DAYS, *TEXTS, "status", "preferred_channel", *NAMED_BY)
# Which an empty cell takes away, in a source that owns its columns. Ids, names, the date of birth, where
# somebody belongs and the status are not among them: without those nobody is found or messaged rightly
OWNED: Final = (
    "death_date", "deregistered_on", "title", "sex", "address", "postcode", "mobile", "email",
    "preferred_channel",
)  # fmt: skip
# The lines of an address, where it is not in one column
LINES: Final = ("house", "street", "locality", "town", "county")
REMARKS: Final = (
    "birth_date_partial", "status_unclear", "channel_unclear", "day_unclear", "number_of_another",
)  # fmt: skip
_BAD: Final = ("unreadable_row", "nhs_number_missing", "nhs_number_invalid", "birth_date_invalid")

# Each row of an import ends with one of these
SAYS: Final = {
    "added": "A new patient.",
    "changed": "A patient whose data were brought up to date.",
    "moved": "A patient who belongs to another facility now, as a source says that owns this column: look at "
    "each.",
    "unchanged": "A patient who is here as the file says.",
    "repeated": "The patient appears in an earlier row of this file, which counts.",
    "letters_doubtful": "A name holds signs that names do not have: the file's encoding was read wrongly. "
    "Nothing of the row is imported. Export the file again as 'CSV UTF-8'.",
    "own_id_differs": "The patient has another id of the practice on the record. Nothing is replaced: find out "
    "which is right, and whether a spreadsheet dropped zeros.",
    "own_id_zeros": "The record has this id of the practice with more or fewer zeros in front, as when a "
    "spreadsheet dropped them. Format the column as text in the export, and import it again.",
    "another_patient": "Date of birth and family name both differ from those of the patient with this id. "
    "Nothing is overwritten: find out who is meant, and correct the id. If it is the same patient, import "
    "the date first, without the names.",
    "other_organisation": "The row is of an organisation whose patients this installation may not hold "
    "(organisation.codes). Import it where it belongs.",
    "facility_differs": "The patient belongs to another facility here, and the row would change their data. "
    "Nothing of it is imported: find out where they are; cohort operations facility moves them.",
    "erased_before": "The patient was erased here by a decision of two people. Nothing of the row is imported. "
    "If they are a patient again, a manager says so: cohort patients reinstate NHS-NUMBER --ground WHY.",
    "ids_differ": "The NHS number and the practice's id are of two patients. Find out who is meant.",
    "death_date_invalid": "The date of death cannot be read, is to come, or is before that of birth: nothing "
    "of the row is imported. Whether somebody is deceased must be certain: correct the date in the source.",
    "test_patient": "A synthetic patient of the other system: nobody is added.",
    "left_source": "The other system has taken this row out: that is neither a death nor a move, so nothing is "
    "changed here. Find out where the patient is.",
    **{code: OUTCOMES[code].says for code in _BAD},
}
PROBLEMS: Final = frozenset(SAYS) - {"added", "changed", "unchanged", "test_patient"}
USED: Final = frozenset({"added", "changed", "moved", "unchanged"})
