"""SNOMED CT codes saved with a message must be concepts that exist by their own arithmetic."""

from __future__ import annotations

import pytest

from clinic.errors import MendableError
from clinic.values.snomed import check_snomed_codes

CONSENTS = ("699237001", "911361000000104", "513631000000106", "911401000000108")

REFUSED = [
    ("", "6 to 18 digits"),
    ("12345", "6 to 18 digits"),
    ("1" * 19, "6 to 18 digits"),
    ("069923700", "6 to 18 digits"),
    ("699237001x", "6 to 18 digits"),
    ("٦٩٩٢٣٧٠٠١", "6 to 18 digits"),
    ("699237002", "check digit"),
    ("696237001", "check digit"),
    ("1142016", "description"),
    ("100022", "relationship"),
    ("12345032", "partition"),
    ("1234105", "partition"),
]


def test_the_consent_codes_of_uk_practices_are_right() -> None:
    """COM-7: what is saved with a message can be found again (formats.md, SMS consent codes)."""
    assert check_snomed_codes(CONSENTS) == CONSENTS


def test_spaces_go_and_a_code_given_twice_is_saved_once() -> None:
    assert check_snomed_codes([" 699237001", "911361000000104 ", "699237001"]) == CONSENTS[:2]
    assert check_snomed_codes([]) == ()


@pytest.mark.parametrize(("code", "says"), REFUSED)
def test_a_code_that_cannot_be_a_concept_is_refused_by_its_place(code: str, says: str) -> None:
    with pytest.raises(MendableError, match="code 2 of 2") as refused:
        check_snomed_codes(["699237001", code])
    assert refused.value.code == "snomed-code"
    assert says in refused.value.says
