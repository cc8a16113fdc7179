"""A whole name is taken apart only where that is no guess."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.values.names import has_odd_sign, split_names

# Whole name, title, given name, family name
NAMES = (
    ("Siân Llwyd", "", "Siân", "Llwyd"),
    ("LLWYD, Siân (Ms)", "Ms", "Siân", "LLWYD"),
    ("LLWYD, Ms Siân", "Ms", "Siân", "LLWYD"),
    ("Mrs Ann Jones", "Mrs", "Ann", "Jones"),
    ("Dr. Ann Mary Jones", "Dr.", "Ann Mary", "Jones"),
    ("Prof Dr Eva Klein", "Prof", "Eva", "Klein"),
    ("Mr Jones", "Mr", "", "Jones"),
    ("Suharto", "", "", "Suharto"),
    ("Ann van der Berg", "", "Ann", "van der Berg"),
    ("van der Berg, Ann", "", "Ann", "van der Berg"),
    ("Miguel de la Cruz", "", "Miguel", "de la Cruz"),
    ("Van Morrison", "", "Van", "Morrison"),
    ("Robert (Bob) Smith", "", "Robert (Bob)", "Smith"),
    ("Robert Smith (Bob)", "", "Robert", "Smith"),
    ("Dr", "", "", "Dr"),
    ("Ann Mary Jones Jr.", "", "Ann Mary", "Jones Jr."),
    ("Mr & Mrs Smith", "", "", "Mr & Mrs Smith"),
    ("Ann and Bob Smith", "", "", "Ann and Bob Smith"),
    ("JONES Ann", "", "", "JONES Ann"),
    ("ANN JONES", "", "ANN", "JONES"),
    ("Ann JONES", "", "Ann", "JONES"),
    ("Jones, Ann, OBE", "", "", "Jones, Ann, OBE"),
    ("Ann Smith (deceased)", "", "", "Ann Smith (deceased)"),
    ("Baby Smith", "", "", "Baby Smith"),
    ("MRS Ann Jones", "MRS", "Ann", "Jones"),
    ("MISS JONES Ann", "", "", "MISS JONES Ann"),
    ("Smith,", "", "", "Smith"),
    ("", "", "", ""),
)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_apart_as_a_person_would(name: tuple[str, str, str, str]) -> None:
    """ACX-22: nobody is greeted by a title, and no word is said twice."""
    assert tuple(split_names(pd.Series([name[0]])).iloc[0]) == name[1:]


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from("Mr Dr Ann Mary van der O'Brien de Jones Llŷr".split()), max_size=6)
)
def test_no_word_is_lost_or_doubled_but_a_further_title(words: list[str]) -> None:
    """ACX-22: whatever stands in the column."""
    parts = " ".join(split_names(pd.Series([" ".join(words)])).iloc[0]).split()
    plain = [word for word in words if word not in ("Mr", "Dr")]
    assert [part for part in parts if part not in ("Mr", "Dr")] == plain
    assert len(parts) <= len(words)


@given(
    st.lists(st.sampled_from("Ann van der Jones Llŷr O'Brien Dr".split()), min_size=1, max_size=4),
    st.lists(st.sampled_from("Mary Ann de Siân".split()), max_size=3),
    st.sampled_from(["", " (Mrs)", " ( Dr. )"]),
)
def test_a_family_name_before_a_comma_is_kept_whole(
    family: list[str], given_names: list[str], title: str
) -> None:
    """ACX-22: what stands before the comma is the family name, whatever its words are."""
    whole = f"{' '.join(family)}, {' '.join(given_names)}{title}"
    [parts] = split_names(pd.Series([whole])).to_numpy().tolist()
    assert parts[1:] == [" ".join(given_names), " ".join(family)]
    assert parts[0] == title.strip(" ()")


@pytest.mark.parametrize(("name", "odd"), [("Si‰n", True), ("ZoÃ«", True), ("Ren\ufffd", True),
    ("JOÃO", False), ("Mª José", False), ("O’Brien", False), ("Siân-Llŷr", False)])  # fmt: skip
def test_signs_that_names_do_not_have(name: str, odd: bool) -> None:
    """PAT-8: letters of another encoding."""
    assert has_odd_sign(name) is odd
