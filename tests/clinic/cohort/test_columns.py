"""Whose column is which, in any order and spelling."""

from __future__ import annotations

import pytest

from clinic.cohort.columns import column_letter, column_name, heading_key, map_columns
from clinic.errors import ListRefused
from clinic.settings import Layout

PATCHS = (
    "Given Name",
    "Family Name",
    "Date of Birth",
    "NHS Number",
    "Mobile Telephone",
    "E-mail Address",
)
# The whole of an EMIS Web report, as a public program reads it
EMIS_REPORT = (
    "EMIS Number", "Organisation Code", "Organisation Name", "Usual GP's Full Name", "NHS Number",
    "Title", "Family Name", "Calling Name", "Age", "Date of Birth", "Gender",
    "House Name / Flat Number", "Number and Street", "Locality", "Town", "County", "Postcode",
    "Home Telephone", "Mobile Telephone", "Work Telephone", "E-mail Address",
)  # fmt: skip
EMIS_FIELDS = (
    "local_id", "organisation_code", "organisation_name", "usual_gp", "nhs_number",
    "title", "family_name", "given_name", "age", "birth_date", "sex",
    "house", "street", "locality", "town", "county", "postcode",
    "phone_home", "mobile", "phone_work", "email",
)  # fmt: skip
SYSTMONE = ("NHS Number", "Telecom Number", "Date of Birth")

# Why, scheme, headings, layout
ACCEPTED: tuple[tuple[str, Layout, tuple[str, ...], str], ...] = (
    ("ACX-18: EMIS needs two columns", "emis", ("NHS Number", "EMIS number"), "emis"),
    ("PAT-8: the PATCHS mailing list", "emis", PATCHS, "emis"),
    ("PAT-8: in any order, with more", "emis", (*reversed(PATCHS), "Clinic"), "emis"),
    ("EMIS's own report", "emis", EMIS_REPORT, "emis"),
    ("ACX-19: SystmOne", "systmone", SYSTMONE, "systmone"),
    ("ACX-19: its other name", "systmone", ("DOB", "Mobile Number", "NHS number"), "generic"),
    ("ACX-20: EMIS in Wales has the SystmOne columns", "emis_wales", SYSTMONE, "systmone"),
    ("ACX-20: and may be an EMIS export", "emis_wales", PATCHS, "emis"),
    ("ACX-22: SystmOne with a name", "systmone", (*SYSTMONE, "Patient Name"), "systmone"),
    ("generic: an NHS number", "generic", ("NHS Number",), "generic"),
    ("generic: or a local id", "generic", ("patient_id", "Note"), "generic"),
    ("generic: an EMIS list is seen to be one", "generic", ("NHS Number", "EMIS number"), "emis"),
)


@pytest.mark.parametrize(
    ("scheme", "headings", "layout"), [case[1:] for case in ACCEPTED], ids=[c[0] for c in ACCEPTED]
)
def test_a_list_with_the_columns_its_scheme_needs_is_accepted(
    scheme: Layout, headings: tuple[str, ...], layout: str
) -> None:
    """ACX-18, ACX-19, ACX-20, ACX-22, PAT-8, PAT-9: the scheme demands, the layout is observed."""
    assert map_columns(headings, scheme, file_name="list.csv")[0] == layout


# Why, scheme, headings, what the sentence names
MISSING: tuple[tuple[str, Layout, tuple[str, ...], tuple[str, ...]], ...] = (
    ("ACX-18: no EMIS number", "emis", ("NHS Number", "Name"), ("'EMIS Number'",)),
    ("ACX-18: no NHS number", "emis", ("EMIS number",), ("'NHS Number'",)),
    ("PAT-8: one heading short", "emis", PATCHS[:-1], ("'EMIS Number'", "'E-mail Address'")),
    ("ACX-19: no date of birth", "systmone", SYSTMONE[:2], ("'Date of Birth'",)),
    (
        "ACX-19: no mobile",
        "systmone",
        ("NHS Number", "DOB", "Home Telephone"),
        ("'Mobile Telephone'",),
    ),
    ("ACX-20: Wales", "emis_wales", ("NHS Number", "EMIS number"), ("'Date of Birth'", "Wales")),
    ("generic: nobody is named", "generic", ("Name", "Mobile"), ("'NHS Number'", "'EMIS Number'")),
)


@pytest.mark.parametrize(
    ("scheme", "headings", "named"), [case[1:] for case in MISSING], ids=[c[0] for c in MISSING]
)
def test_a_list_that_lacks_columns_is_refused_naming_them(
    scheme: Layout, headings: tuple[str, ...], named: tuple[str, ...]
) -> None:
    """ACX-18, ACX-19, ACX-20: the refusal says which column to add."""
    with pytest.raises(ListRefused) as refusal:
        map_columns(headings, scheme, file_name="list.csv")
    assert refusal.value.code == "list-columns-missing"
    for words in ("list.csv", *named):
        assert words in refusal.value.says


# Scheme, headings, what is asked for: each missing column once, what every way needs first
SAID: tuple[tuple[Layout, tuple[str, ...], str], ...] = (
    ("generic", ("Note",), "needs also the column 'NHS Number' or the column 'EMIS Number'. Add"),
    (
        "emis",
        ("Note",),
        "needs also the column 'NHS Number', and either the column 'EMIS Number' or the columns 'Given "
        "Name', 'Family Name', 'Date of Birth', 'Mobile Telephone' and 'E-mail Address'. Add",
    ),
    (
        "emis",
        ("EMIS Number", "Given Name", "Family Name", "DOB", "Mobile Telephone"),
        "needs also the column 'NHS Number'. Add",
    ),
    (
        "systmone",
        ("Note",),
        "needs also the columns 'NHS Number', 'Mobile Telephone' and 'Date of Birth'. Add",
    ),
    ("emis_wales", ("DOB", "NHS No."), "needs also the column 'Mobile Telephone'. Add"),
)


@pytest.mark.parametrize(("scheme", "headings", "says"), SAID)
def test_each_missing_column_is_named_once(
    scheme: Layout, headings: tuple[str, ...], says: str
) -> None:
    with pytest.raises(ListRefused) as refusal:
        map_columns(headings, scheme, file_name="list.csv")
    assert says in refusal.value.says


def test_every_column_of_an_emis_report_is_recognised() -> None:
    """PAT-8: EMIS Web's own headings, each to its field."""
    _, fields = map_columns(EMIS_REPORT, "emis", file_name="list.csv")
    assert fields == dict(zip(EMIS_FIELDS, EMIS_REPORT, strict=True))


SPELLINGS = (
    ("nhs_number", "nhs number"),
    ("nhs_number", "NHS_NUMBER"),
    ("nhs_number", "  Nhs-Number "),
    ("nhs_number", "NHSNumber"),
    ("nhs_number", "NHS\u00a0Number"),
    ("nhs_number", "\u200bNHS Number"),
    ("nhs_number", "NHS\nNumber"),
    ("nhs_number", "NHS No."),
    ("email", "Email Address"),
    ("email", "e-mail"),
    ("mobile", "Telecom Number"),
    ("mobile", "phone number"),
    ("birth_date", "D.O.B."),
    ("family_name", "Surname"),
    ("nhs_number", "NHS Number:"),
    ("nhs_number", "NHS No:"),
    ("nhs_number", '"NHS Number"'),
    ("nhs_number", "NHS Number (10 digits)"),
    ("nhs_number", "Patient's NHS No."),
    ("birth_date", "D.O.B"),
    ("birth_date", "DOB (dd/mm/yyyy)"),
    ("birth_date", "Date of Birth [DD-MM-YYYY]*"),
    ("birth_date", "Date-of-Birth"),
    ("mobile", "Mobile No."),
    ("mobile", "Mob. No"),
    ("mobile", "Phone No."),
    ("mobile", "Contact No."),
    ("mobile", "Tel. No."),
    ("mobile", "Patient Mobile Number"),
    ("given_name", "Forename(s)"),
    ("family_name", "Surname*"),
    ("email", "E-mail:"),
)


@pytest.mark.parametrize(("field", "heading"), SPELLINGS)
def test_spelling_does_not_matter(field: str, heading: str) -> None:
    """PAT-9: headings match without case, spaces, _ and -."""
    columns = [heading] if field == "nhs_number" else [heading, "EMIS Number"]
    assert map_columns(columns, "generic", file_name="x")[1][field] == heading


@pytest.mark.parametrize(
    "heading",
    ["Mobile (next of kin)", "Mother's DOB", "GP Phone", "Date of Birth of partner", "Carer Email"],
)
def test_a_heading_of_somebody_else_is_not_the_patients(heading: str) -> None:
    """PAT-9: punctuation and units do not count, other words do."""
    assert set(map_columns(["NHS Number", heading], "generic", file_name="x")[1]) == {"nhs_number"}


def test_a_mobile_column_goes_before_one_that_may_be_any_phone() -> None:
    """PAT-9: the certain heading counts where both are there."""
    columns = ("NHS Number", "Phone Number", "Mobile Telephone")
    assert map_columns(columns, "generic", file_name="x")[1]["mobile"] == "Mobile Telephone"


@pytest.mark.parametrize(
    "columns",
    [("NHS Number", "Note", "NOTE"), ("NHS Number", "a b", "A-B"), ("NHS Number", "Note", "Note")],
)
def test_headings_that_nothing_uses_may_be_alike(columns: tuple[str, ...]) -> None:
    """PAT-9: a file is not refused for columns that no check and no message reads."""
    assert map_columns(columns, "generic", file_name="x")[1] == {"nhs_number": "NHS Number"}


def test_two_columns_for_one_thing_are_refused() -> None:
    """Fault 46: which mobile number is meant is not guessed."""
    columns = ("NHS Number", "Mobile", "Telecom Number")
    with pytest.raises(ListRefused, match=r"list-columns-ambiguous.*column B.*column C"):
        map_columns(columns, "generic", file_name="x")


def test_an_unknown_heading_is_not_quoted() -> None:
    """Fault 46: in a file without headings it would be a patient's name."""
    assert column_name(("NHS Number", "Zebedee"), 0) == "column A (NHS Number)"
    assert column_name(("NHS Number", "Zebedee"), 1) == "column B"
    assert column_name(("NHS Number",), 5) == "column F"


@pytest.mark.parametrize(
    ("position", "letters"),
    [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")],
)
def test_columns_have_the_letters_of_a_spreadsheet(position: int, letters: str) -> None:
    """Fault 46: a person finds the column."""
    assert column_letter(position) == letters


def test_full_width_headings_match() -> None:
    """PAT-9: compatibility forms are the same letters."""
    assert heading_key("ＮＨＳ Number") == "nhsnumber"
