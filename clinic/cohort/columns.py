"""
Whose column is which: headings of EMIS, SystmOne and other exports, in any order (ACX-18 to 20, PAT-8, 9).

A heading matches by its letters and digits alone: no case, space, punctuation, quotation mark or unit
("DOB (dd/mm/yyyy)") counts. The user of SystmOne picks the columns of an export, so nothing here
depends on a position.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from clinic.errors import ListRefused
from clinic.settings import Layout

# Our name → their headings. The first tier is certain; the second is used when the first is absent.
ALIASES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nhs_number": (("NHS Number", "NHS", "NHS ID", "NHS Number Formatted"), ()),
    "local_id": (
        ("EMIS Number", "EMIS ID"),
        ("Patient ID", "Patient Number", "Local ID", "Record Number", "MRN"),
    ),
    "birth_date": (("Date of Birth", "DOB", "Birth Date", "Birthdate", "Date Birth", "Born"), ()),
    "mobile": (
        (
            "Mobile Telephone",
            "Telecom Number",
            "Mobile Number",
            "Mobile",
            "Mobile Phone",
            "Mobile Phone Number",
            "Mobile Telephone Number",
            "Mobile Tel",
            "Mobile Tel Number",
            "Mobile Contact Number",
            "Mob",
            "Mob Number",
            "Telecom Number (Mobile Number)",
        ),
        (
            "Phone Number",
            "Phone",
            "Telephone Number",
            "Telephone",
            "Tel",
            "Tel Number",
            "Contact Number",
            "Contact Phone",
            "Contact Phone Number",
            "Contact Telephone",
            "Contact Telephone Number",
            "Contact Tel",
            "Cell",
            "Cell Phone",
            "Cell Number",
        ),
    ),
    "email": (("E-mail Address", "Email", "Email ID", "Contact Email"), ()),
    "given_name": (
        ("Given Name", "Given Names", "First Name", "Forename", "Forenames", "First Names"),
        ("Calling Name", "Preferred Name", "Known As"),
    ),
    "family_name": (("Family Name", "Surname", "Surnames", "Last Name", "Last Names"), ()),
    "full_name": (("Patient Name", "Full Name", "Patient Full Name"), ("Name", "Patient")),
    "title": (("Title",), ()),
    "sex": (("Sex", "Gender"), ()),
    "age": (("Age",), ()),
    "phone_home": (("Home Telephone", "Home Phone", "Home Phone Number", "Home Number"), ()),
    "phone_work": (("Work Telephone", "Work Phone", "Work Phone Number", "Work Number"), ()),
    "address": (("Address", "Full Address", "Home Address"), ()),
    "house": (("House Name / Flat Number", "House Name", "House Number"), ()),
    "street": (("Number and Street", "Street", "Address Line 1"), ()),
    "locality": (("Locality", "Address Line 2"), ()),
    "town": (("Town", "City", "Address Line 3"), ()),
    "county": (("County", "Address Line 4"), ()),
    "postcode": (("Postcode", "Post Code"), ()),
    "facility": (("Facility", "Facility Code", "Site Code"), ()),
    "provider": (("Provider", "Provider Code"), ()),
    "usual_gp": (("Usual GP's Full Name", "Usual GP", "Registered GP"), ()),
    "organisation_code": (("Organisation Code", "ODS Code", "Practice Code"), ()),
    "organisation_name": (("Organisation Name", "Practice Name"), ()),
    "reference": (("Reference", "Client Reference"), ()),
}

# PAT-8: what a PATCHS mailing list from EMIS has
_PATCHS = ("given_name", "family_name", "birth_date", "nhs_number", "mobile", "email")

# Any one of the alternatives will do
REQUIRED: Mapping[Layout, tuple[tuple[str, ...], ...]] = {
    "emis": (("nhs_number", "local_id"), _PATCHS),  # ACX-18, PAT-8
    "systmone": (("nhs_number", "mobile", "birth_date"),),  # ACX-19
    "emis_wales": (("nhs_number", "mobile", "birth_date"),),  # ACX-20
    "generic": (("nhs_number",), ("local_id",)),
}

_WHO_NEEDS = {
    "emis": "an EMIS list",
    "systmone": "a SystmOne list",
    "emis_wales": "a list from EMIS in Wales",
    "generic": "every list",
}
# How a value is to be written says nothing of whose it is. "(next of kin)" does, and stays
_UNIT = re.compile(
    r"[(\[{](?:[dmyhs]+(?:\W+[dmyhs]+)*|column [a-z]+|\d+ digits?|digits(?: only)?|numbers? only|uk"
    r"|text|required|mandatory|optional|if known)[)\]}]\W*$"
)
# "Mobile No.", "NHS Num", "Phone Nr": the short forms of a heading that ends in "Number"
_SHORT = ("no", "num", "nr", "nos", "numbers")


def heading_key(heading: str) -> str:
    """What two headings have in common when they count as the same: letters and digits, no unit."""
    seen = "".join(c for c in heading if unicodedata.category(c) != "Cf")
    plain = " ".join(unicodedata.normalize("NFKC", seen).casefold().split())
    without = _UNIT.sub("", plain) or plain
    return "".join(filter(str.isalnum, without)) or without


def _keys(headings: Iterable[str]) -> frozenset[str]:
    # "email" and "telephone" also stand for "e-mail address" and so on
    keys = {heading_key(heading) for heading in headings}
    keys |= {key + "address" for key in keys if key.endswith("email")}
    keys |= {
        key.removesuffix("number") + s for key in keys if key.endswith("number") for s in _SHORT
    }
    # "Patient Mobile", "Patient's DOB"
    return frozenset(keys | {who + key for key in keys for who in ("patient", "patients")})


_TIERS = {field: tuple(_keys(tier) for tier in tiers) for field, tiers in ALIASES.items()}
KNOWN = frozenset().union(*(tier for tiers in _TIERS.values() for tier in tiers))


def column_letter(position: int) -> str:
    """A column as a spreadsheet names it: 0 → A, 26 → AA."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def column_name(columns: Sequence[str], position: int) -> str:
    """A column for a sentence: its letter, and its heading if that is one we know.

    An unknown heading is not quoted: in a file without headings it is a patient's name.
    """
    letter = column_letter(position)
    if position < len(columns) and heading_key(columns[position]) in KNOWN:
        return f"column {letter} ({columns[position].strip()})"
    return f"column {letter}"


def map_columns(
    columns: Sequence[str], scheme: Layout, *, file_name: str, needs: bool = True
) -> tuple[str, dict[str, str]]:
    """
    The layout that the headings show ("emis", "systmone" or "generic") and our field name → heading.

    `scheme` is the organisation's setting and says what is demanded, unless the caller knows what it `needs`
    itself; the layout is only observed.

    Raises:
        ListRefused: two headings for the same thing of a patient, or a column missing that the
            scheme needs. Headings that nothing uses may be alike
    """
    fields = {
        field: columns[position]
        for field in ALIASES
        if (position := find_column(field, columns, file_name)) is not None
    }
    if needs:
        _refuse_missing(fields, scheme, file_name)
    return _layout(columns, fields), fields


def recognised(columns: Sequence[str]) -> int:
    """How many of the headings are known."""
    return sum(heading_key(column) in KNOWN for column in columns)


def find_column(field: str, columns: Sequence[str], file_name: str) -> int | None:
    """
    The place of the column that holds this field of ours; None: no heading says so.

    Raises:
        ListRefused: two of them do
    """
    for tier in _TIERS[field]:
        found = [i for i, column in enumerate(columns) if heading_key(column) in tier]
        if len(found) > 1:
            both = " and ".join(column_name(columns, position) for position in found)
            raise ListRefused(
                "list-columns-ambiguous",
                f"{file_name}: row 1: {both} all mean {ALIASES[field][0][0]!r}. "
                "Delete or rename all but the one to be used.",
            )
        if found:
            return found[0]
    return None


def _refuse_missing(fields: Mapping[str, str], scheme: Layout, file_name: str) -> None:
    missing = [
        [ALIASES[field][0][0] for field in needed if field not in fields]
        for needed in REQUIRED[scheme]
    ]
    if all(missing):
        raise ListRefused(
            "list-columns-missing",
            f"{file_name}: row 1: {_WHO_NEEDS[scheme]} needs also {_said_once(missing)}. "
            "Add what is missing to the export, or rename its heading; the order of columns does not matter. "
            "The headings must be in the first row.",
        )


def _said_once(ways: Sequence[Sequence[str]]) -> str:
    """Columns of which those of one way are needed, each named once: what every way needs comes first."""
    common = [name for name in ways[0] if all(name in way for way in ways)]
    rest = [[name for name in way if name not in common] for way in ways]
    if not all(rest):  # one way needs no more
        return _columns(common)
    either = " or ".join(_columns(way) for way in rest)
    if not common:
        return either
    return f"{_columns(common)}, and {'either ' if len(rest) > 1 else ''}{either}"


def _columns(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in names]
    said = ", ".join(quoted[:-1]) + (" and " if len(quoted) > 1 else "") + quoted[-1]
    return f"the column{'s' if len(names) > 1 else ''} {said}"


def _layout(columns: Sequence[str], fields: Mapping[str, str]) -> str:
    keys = {heading_key(column) for column in columns}
    if any(key.startswith("emis") for key in keys) or all(field in fields for field in _PATCHS):
        return "emis"
    if any(key.startswith("telecomnumber") for key in keys) and "nhs_number" in fields:
        return "systmone"
    return "generic"
