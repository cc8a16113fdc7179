"""
Whether a questionnaire holds together: what no single field can say of itself.

FHIR's rules of the same kind are que-2 (unique linkIds), que-4 to que-6, que-10 (maxLength) and que-12
(enableBehavior); the published test of que-12 lets two conditions pass, this one does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from clinic.ask.conditions import condition_problems
from clinic.ask.extensions import (
    ON_ANSWERS,
    ON_ITEMS,
    ON_QUESTIONNAIRES,
    limits_of,
    scored,
    weights_of,
)
from clinic.ask.fhir import NOT_ASKED, NUMBERS, Item, Questionnaire
from clinic.ask.items import walk
from clinic.ask.meanings import danger_problems, score_problems
from clinic.ask.shapes import shape_problems

DEEPEST: Final = 4
MOST_ITEMS: Final = 200


def problems_of(questionnaire: Questionnaire) -> list[str]:
    """What is wrong with it, a sentence each: which item, what, what to do; none: it can be asked."""
    found = list(walk(questionnaire.item))
    problems = [*shape_problems("the questionnaire", questionnaire.extension, ON_QUESTIONNAIRES)]
    if len(found) > MOST_ITEMS:
        problems.append(f"it has {len(found)} items: {MOST_ITEMS} are the most")
    if max(len(above) for _, above in found) >= DEEPEST:
        problems.append(f"groups are more than {DEEPEST} deep: put their items further up")
    counts = Counter(item.link_id for item, _ in found)
    for key in (key for key, count in counts.items() if count > 1):
        problems.append(f"item {key}: its linkId is there {counts[key]} times: give each its own")
    for item, _ in found:
        problems += [f"item {item.link_id}: {says}" for says in _of_item(item)]
    problems += condition_problems(found)
    if not problems:  # they read what is right by now
        problems += [*danger_problems(found), *score_problems(questionnaire)]
    return problems


def _of_item(item: Item) -> Iterator[str]:
    asked = item.type not in NOT_ASKED
    if item.type == "group" and not item.item:
        yield "a group without items: put some in, or take it out"
    if item.type != "group" and item.item:
        yield "only a group has items of its own: make one, with the question before it"
    if item.type != "group" and item.text is None:
        yield "it has no text: say what is asked"
    if not asked and item.required:
        yield "nobody answers it: take required out"
    if item.max_length is not None and item.type not in ("string", "text"):
        yield "maxLength is of string and text alone: take it out"
    if (item.type == "choice") != bool(item.answer_option):
        yield "a choice, and nothing else, has answerOption: write its answers there"
    yield from _of_answers(item)
    yield from shape_problems("it", item.extension, ON_ITEMS)
    least, most = limits_of(item)
    if (least is not None or most is not None) and item.type not in NUMBERS:
        yield "minValue and maxValue are of numbers alone: take them out"
    if least is not None and most is not None and least > most:
        yield "minValue is more than maxValue: nothing could be answered"


def _of_answers(item: Item) -> Iterator[str]:
    options = item.answer_option
    codes = Counter(option.value_coding.code for option in options)
    if any(count > 1 for count in codes.values()):
        yield "two of its answers have one code: give each its own"
    if len({option.value_coding.display for option in options}) < len(options):
        yield "two of its answers read the same: nobody could tell them apart"
    if any(option.value_coding.display is None for option in options):
        yield "an answer has no display: say what the patient reads"
    weights = [weights_of(option) for option in options]
    if any(len(each) > 1 for each in weights):
        yield "an answer has two different weights: leave one ordinalValue"
    if any(weights) and not scored(item):
        yield "some of its answers have a weight and some have none: give all one, or none"
    for option in options:
        yield from shape_problems("an answer", option.extension, ON_ANSWERS)
        yield from shape_problems("an answer", option.value_coding.extension, ON_ANSWERS)
