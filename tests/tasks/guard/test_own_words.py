"""Errors that hold people's own words are told by their code; a fault of ours is found all the same."""

from __future__ import annotations

import traceback

import pytest

from clinic.errors import ListRefused, SourceDown
from tasks.guard.own_words import by_code


def opened(file: str) -> str:
    """As the import of a file that is not there."""
    try:
        return {"list": "1"}[file]
    except KeyError as bug:
        raise SourceDown("source-file", f"{file} is open elsewhere") from bug


def test_a_sentence_with_their_words_is_not_told_and_where_it_came_from_is() -> None:
    with pytest.raises(SourceDown) as told, by_code("patients from emis", "look there"):
        opened("smith" + "-john.csv")
    assert told.value.code == "source-file"
    begin = "patients from emis: look there (KeyError at test_own_words.py:"
    assert told.value.says.startswith(begin)
    assert "smith-john" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize("because", [None, ListRefused("list-heading", "Smith's column")])
def test_what_was_raised_on_purpose_alone_has_no_other_cause(because: Exception | None) -> None:
    with pytest.raises(ListRefused) as told, by_code("the query", "look there"):
        raise ListRefused("list-refused", "the column Smith is twice") from because
    assert told.value.says == "the query: look there"


def test_an_error_that_nobody_foresaw_passes_as_it_is() -> None:
    """`tasks.guard.decorators` tells its type and place."""
    with pytest.raises(KeyError), by_code("the query", "look there"):
        {}["a"]
