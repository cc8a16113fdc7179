"""
What answers come to: scores with their bands, and the answers that signal danger.

A missing answer means no score and no band: nought is an answer, and silence is none. What was not asked,
since another answer switched it off, is not missing and counts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from clinic.ask.answers import Taken
from clinic.ask.conditions import Answer
from clinic.ask.extensions import Band, Danger, Score, dangers_of, scores_of, weight_of
from clinic.ask.fhir import Coding, Item, Questionnaire
from clinic.ask.items import questions

_TENTH: Final = Decimal("0.1")


@dataclass(frozen=True)
class Result:
    """
    What one score came to.

    value: None: not every answer that counts was given; `missing` has their linkIds, or nothing was asked
    """

    score: Score
    value: Decimal | None
    band: Band | None
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Flag:
    """An answer that signals danger: the item, and what the patient is told to do now."""

    link_id: str
    says: str


def score_answers(questionnaire: Questionnaire, taken: Taken) -> tuple[Result, ...]:
    """Each of its scores, of what counts."""
    asked = questions(questionnaire)
    return tuple(_result(score, asked, taken) for score in scores_of(questionnaire))


def flag_answers(
    questionnaire: Questionnaire, taken: Taken, limits: Mapping[str, float]
) -> tuple[Flag, ...]:
    """
    The answers that signal danger, whatever the total is; they are accepted all the same.

    limits: the site's own, by the name that a questionnaire calls them by
    """
    found = []
    for key, item in questions(questionnaire).items():
        if (answer := taken.answers.get(key)) is None:
            continue
        value = _value(item, answer)
        reached = (d for d in dangers_of(item) if value is not None and value >= _start(d, limits))
        found += [Flag(key, danger.says) for danger in reached]
    return tuple(found)


def _start(danger: Danger, limits: Mapping[str, float]) -> Decimal:
    if danger.start is not None:
        return danger.start
    return Decimal(str(limits[danger.limit]))


def _result(score: Score, asked: Mapping[str, Item], taken: Taken) -> Result:
    counted = [key for key in score.items if key in taken.asked]
    missing = tuple(key for key in counted if key not in taken.answers)
    values = [_value(asked[key], taken.answers[key]) for key in counted if key not in missing]
    numbers = [value for value in values if value is not None]
    if missing or not numbers or (score.method == "bmi" and len(numbers) < 2):
        return Result(score, None, None, missing)
    value = _made(score.method, numbers)
    reached = [band for band in score.bands if band.start <= value]
    return Result(score, value, reached[-1] if reached else None, ())


def _made(method: str, numbers: list[Decimal]) -> Decimal:
    """A sum as it is; a mean and a BMI to one decimal place, halves up."""
    if method == "sum":
        return sum(numbers, Decimal(0))
    if method == "mean":
        whole = sum(numbers, Decimal(0)) / len(numbers)
    else:
        kilograms, centimetres = numbers
        whole = kilograms / (centimetres / 100) ** 2 if centimetres > 0 else Decimal(0)
    return whole.quantize(_TENTH, ROUND_HALF_UP)


def _value(item: Item, answer: Answer) -> Decimal | None:
    """What an answer counts: a number itself, yes 1, a choice its weight."""
    if isinstance(answer, Coding):
        chosen = (o for o in item.answer_option if o.value_coding == answer)
        return next((weight_of(option) for option in chosen), None)
    return Decimal(answer) if isinstance(answer, bool | int | Decimal) else None
