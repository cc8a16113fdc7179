"""
What was answered, held against the version that was asked (PAT-24).

    {"item-1": "LA6569-3", "weight": "72,5", "day-5": true}    linkId → answer

An answer of a choice is its code. Answers to what was switched off again are dropped before anything else is
made of them, whatever they are; what is required is so only where it is asked. No answer is repeated in
what is said of it: it is a patient's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from clinic.ask.conditions import Answer, is_asked
from clinic.ask.extensions import limits_of, unit_of
from clinic.ask.fhir import NOT_ASKED, Item, Questionnaire
from clinic.ask.items import walk
from clinic.errors import QuestionnaireRefused

LARGEST: Final = 1_000_000
_LONGEST = {"string": 255, "text": 4000}
# A comma as people write it; before three digits it may be thousands, and is not guessed
_DECIMAL: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6}|,[0-9]{1,2}|,[0-9]{4,6})?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,9}")
_UNSEEN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Problem:
    """What is wrong with an answer, or that it is missing: the item, and what to do."""

    link_id: str
    says: str


@dataclass(frozen=True)
class Taken:
    """
    What counts of what was answered.

    answers: by linkId, in the questionnaire's order
    asked: the questions that were asked, answered or not
    dropped: answered, and then switched off by another answer
    """

    answers: Mapping[str, Answer]
    asked: frozenset[str]
    dropped: tuple[str, ...]
    problems: tuple[Problem, ...]


def read_answers(text: bytes) -> dict[str, Any]:
    """
    Answers as JSON: an object, linkId → answer.

    Raises:
        QuestionnaireRefused: it is none
    """
    refused = QuestionnaireRefused(
        "answers-unreadable",
        'the answers are a JSON object, as {"item-1": "LA6569-3", "weight": 72.5}',
    )
    if len(text) > LARGEST:
        raise refused
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(found, dict):
        raise refused
    return found


def take_answers(questionnaire: Questionnaire, given: Mapping[str, Any]) -> Taken:
    """Judge answers in the order of the items; null and empty text are no answer."""
    answers: dict[str, Answer] = {}
    asked: set[str] = set()
    problems: list[Problem] = []
    dropped: list[str] = []
    off: set[str] = set()
    known: set[str] = set()
    for item, above in walk(questionnaire.item):
        key = item.link_id
        if any(group.link_id in off for group in above) or not is_asked(item, answers):
            off.add(key)
        if item.type in NOT_ASKED:
            continue
        known.add(key)
        value = _given(given.get(key))
        if key in off:
            dropped += [key] if value is not None else []
            continue
        asked.add(key)
        read = _read(item, value) if value is not None else None
        if isinstance(read, Problem):
            problems.append(read)
        elif read is not None:
            answers[key] = read
        elif item.required:
            problems.append(Problem(key, "it was not answered, and has to be"))
    problems += [Problem(key, "there is no such question") for key in given if key not in known]
    return Taken(answers, frozenset(asked), tuple(dropped), tuple(problems))


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _given(value: Any) -> Any:
    """None where nothing was answered."""
    return None if isinstance(value, str) and not value.strip() else value


def _read(item: Item, value: Any) -> Answer | Problem:
    if item.type == "choice":
        codings = (option.value_coding for option in item.answer_option)
        found = next((c for c in codings if c.code == value), None)
        return found or Problem(item.link_id, "it is none of its answers: give the code of one")
    if item.type == "boolean":
        return value if isinstance(value, bool) else Problem(item.link_id, "it is true or false")
    if item.type == "date":
        return _date(item, value)
    if item.type in ("string", "text"):
        return _words(item, value)
    return _number(item, value)


def _number(item: Item, value: Any) -> Answer | Problem:
    whole = item.type == "integer"
    text = str(value).strip() if isinstance(value, str | int | Decimal) else ""
    if isinstance(value, bool) or not (_INTEGER if whole else _DECIMAL).fullmatch(text):
        says = (
            "it is a whole number: 120"
            if whole
            else "it is a number, without thousands: 72.5 or 72,5"
        )
        return Problem(item.link_id, says)
    number = Decimal(text.replace(",", "."))
    least, most = limits_of(item)
    unit = f" {unit_of(item)}".rstrip()
    if least is not None and number < least:
        return Problem(item.link_id, f"it is less than {least}{unit}: check it")
    if most is not None and number > most:
        return Problem(item.link_id, f"it is more than {most}{unit}: check it")
    return int(number) if whole else number


def _date(item: Item, value: Any) -> Answer | Problem:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    return Problem(item.link_id, "it is no day: write it as 2026-03-31")


def _words(item: Item, value: Any) -> Answer | Problem:
    most = item.max_length or _LONGEST[item.type]
    if not isinstance(value, str) or _UNSEEN.search(value):
        return Problem(item.link_id, "it is text, without control characters")
    text = value.strip()
    if len(text) > most:
        return Problem(item.link_id, f"it has {len(text)} characters: {most} are the most")
    if item.type == "string" and "\n" in text:
        return Problem(item.link_id, "it is one line")
    return text
