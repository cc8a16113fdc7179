"""
Whose column is which: headings of EMIS, SystmOne and other exports, in any order (ACX-18 to 20, PAT-8, 9).

A heading matches without regard to case, spaces, `_` and `-`, as in GOV.UK Notify. The user of
SystmOne picks the columns of an export, so nothing here depends on a position.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from clinic.errors import ListRefused
from clinic.settings import Layout

# Our name → their headings. The first tier is certain; the second is used when the first is absent.
ALIASES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "nhs_number": (("NHS Number", "NHS No", "NHS No.", "NHS Num", "NHS", "Patient NHS Number"), ()),
    "local_id": (
        ("EMIS Number", "EMIS No", "EMIS No.", "EMIS ID"),
        ("Patient ID", "Patient Number", "Patient No", "Local ID", "Record Number", "MRN"),
    ),
    "birth_date": (("Date of Birth", "DOB", "D.O.B.", "Birth Date", "Patient DOB"), ()),
    "mobile": (
        (
            "Mobile Telephone",
            "Telecom Number",
            "Mobile Number",
            "Mobile",
            "Mobile Phone",
            "Mobile Phone Number",
            "Mobile Telephone Number",
            "Mobile No",
            "Telecom Number (Mobile Number)",
        ),
        ("Phone Number", "Phone", "Telephone Number", "Telephone", "Contact Number", "Cell Phone"),
    ),
    "email": (("E-mail Address", "Email", "Patient Email"), ()),
    "given_name": (
        ("Given Name", "First Name", "Forename", "Forenames", "First Names"),
        ("Calling Name", "Preferred Name", "Known As"),
    ),
    "family_name": (("Family Name", "Surname", "Last Name"), ()),
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
_IGNORED = re.compile(r"[\s_\-]+")


def heading_key(heading: str) -> str:
    """What two headings have in common when they count as the same."""
    seen = "".join(c for c in heading if unicodedata.category(c) != "Cf")
    return _IGNORED.sub("", unicodedata.normalize("NFKC", seen).casefold())


def _keys(headings: Iterable[str]) -> frozenset[str]:
    # "email" and "telephone" also stand for "e-mail address" and so on
    keys = {heading_key(heading) for heading in headings}
    return frozenset(keys | {key + "address" for key in keys if key.endswith("email")})


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
    columns: Sequence[str], scheme: Layout, *, file_name: str
) -> tuple[str, dict[str, str]]:
    """
    The layout that the headings show ("emis", "systmone" or "generic") and our field name → heading.

    `scheme` is the organisation's setting and says what is demanded; the layout is only observed.

    Raises:
        ListRefused: two headings alike (also if only case, spaces, `_` or `-` differ), two headings
            for the same thing, or a column missing that the scheme needs
    """
    _refuse_duplicates(columns, file_name)
    fields = {
        field: columns[position]
        for field in ALIASES
        if (position := _find(field, columns, file_name)) is not None
    }
    _refuse_missing(fields, scheme, file_name)
    return _layout(columns, fields), fields


def recognised(columns: Sequence[str]) -> int:
    """How many of the headings are known."""
    return sum(heading_key(column) in KNOWN for column in columns)


def _refuse_duplicates(columns: Sequence[str], file_name: str) -> None:
    first: dict[str, int] = {}
    for position, column in enumerate(columns):
        earlier = first.setdefault(heading_key(column), position)
        if earlier != position:
            raise ListRefused(
                "list-heading-twice",
                f"{file_name}: row 1: {column_name(columns, earlier)} and "
                f"{column_name(columns, position)} have the same heading "
                "(case, spaces, _ and - do not count). Rename or delete one of them.",
            )


def _find(field: str, columns: Sequence[str], file_name: str) -> int | None:
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
        ways = " or ".join(" and ".join(repr(name) for name in names) for names in missing)
        raise ListRefused(
            "list-columns-missing",
            f"{file_name}: row 1: {_WHO_NEEDS[scheme]} needs also the column {ways}. "
            "Add it to the export, or rename its heading; the order of columns does not matter. "
            "The headings must stand in the first row.",
        )


def _layout(columns: Sequence[str], fields: Mapping[str, str]) -> str:
    keys = {heading_key(column) for column in columns}
    if any(key.startswith("emis") for key in keys) or all(field in fields for field in _PATCHS):
        return "emis"
    if any(key.startswith("telecomnumber") for key in keys) and "nhs_number" in fields:
        return "systmone"
    return "generic"
