"""
What a condition of a template makes of a list's words: as whoever wrote the list meant them.

    {% if list.Show %}             no, n, false, 0 and nothing are no; anything else is yes
    {% if list.Show == "yes" %}    yes, Yes, Y, TRUE, 1 are one answer, and no, N, false, 0 another
    {% if list.Clinic == "Flu" %}  capitals and spaces make no difference
"""

from __future__ import annotations

from typing import Final

YES: Final = frozenset({"yes", "y", "true", "1"})
NO: Final = frozenset({"no", "n", "false", "0"})
# Compared with these, a value is an answer; with "1" it is a number
ANSWERS: Final = (YES | NO) - {"1", "0"}


def folded(text: str) -> str:
    """Without the difference of capitals and of spaces."""
    return " ".join(text.casefold().split())


def answer(text: str) -> str:
    """The same, and each word for yes is "yes", each for no is "no"."""
    word = folded(text)
    if word in YES:
        return "yes"
    return "no" if word in NO else word


def unless_no(text: str) -> str:
    """The text, or nothing where it says no: what `{% if list.Show %}` asks."""
    return "" if folded(text) in NO else text
