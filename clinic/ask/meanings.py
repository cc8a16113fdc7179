"""Whether the scores and danger answers of a questionnaire can be told from what is answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from clinic.ask.extensions import LIMITS, METHODS, Danger, Score, dangers_of, scored, scores_of
from clinic.ask.fhir import NUMBERS, Item, Questionnaire
from clinic.ask.items import questions


def danger_problems(found: Sequence[tuple[Item, tuple[Item, ...]]]) -> Iterator[str]:
    """What is wrong with the answers that are to be flagged."""
    for item, _ in found:
        for danger in dangers_of(item):
            if says := _of_danger(item, danger):
                yield f"item {item.link_id}: {says}"


def score_problems(questionnaire: Questionnaire) -> Iterator[str]:
    """What is wrong with the scores that are described."""
    asked = questions(questionnaire)
    for score in scores_of(questionnaire):
        yield from (f"score {score.name or 'without a name'}: {says}" for says in _of(score, asked))


def _of_danger(item: Item, danger: Danger) -> str:
    if not (item.type in (*NUMBERS, "boolean") or scored(item)):
        return "only a number, a yes, or a choice with weights can be a danger answer"
    if not danger.says:
        return "the danger answer does not say what to do now"
    if danger.limit and danger.limit not in LIMITS:
        return f"the danger answer's limit is one of {', '.join(LIMITS)}"
    if bool(danger.limit) == (danger.start is not None):
        return "the danger answer has one of `from` and `limit`"
    return ""


def _of(score: Score, asked: dict[str, Item]) -> Iterator[str]:
    if not score.name:
        yield "it has no name"
    if score.method not in METHODS:
        yield f"its method is one of {', '.join(METHODS)}"
    if not score.items or len(set(score.items)) < len(score.items):
        yield "it is made of one item or more, each once"
    for key in score.items:
        if key not in asked:
            yield f"there is no question {key}"
        elif not (asked[key].type in NUMBERS or scored(asked[key])):
            yield f"{key} is neither a number nor a choice with weights"
    if score.method == "bmi" and len(score.items) != 2:
        yield "bmi is of two items: kilograms, then centimetres"
    if any(before.start >= after.start for before, after in pairwise(score.bands)):
        yield "its bands do not ascend"
    if not all(band.name and band.has_start for band in score.bands):
        yield "a band has no name, or no from"
