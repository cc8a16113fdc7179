"""
When an item is asked: the conditions of `enableWhen`.

A condition may look back alone, at a question that comes before: so there is no circle, and one look over the
items in their order decides all of them, what hangs on what was switched off included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from clinic.ask.fhir import NOT_ASKED, Coding, EnableWhen, Item

Answer = bool | int | Decimal | date | str | Coding
_ANSWERS: Final = {
    "boolean": ("answer_boolean",),
    "integer": ("answer_integer",),
    "decimal": ("answer_decimal", "answer_integer"),
    "date": ("answer_date",),
    "string": ("answer_string",),
    "text": ("answer_string",),
    "choice": ("answer_coding",),
}
_ORDERED: Final = ("integer", "decimal", "date")


def is_asked(item: Item, answers: Mapping[str, Answer]) -> bool:
    """
    Whether an item's own conditions hold, by what was answered before it and counts.

    What was not answered, or was switched off itself, has no value: `!=` holds of it, as FHIR R4 says.
    """
    if not item.enable_when:
        return True
    each = (_holds(condition, answers.get(condition.question)) for condition in item.enable_when)
    return any(each) if item.enable_behavior == "any" else all(each)


def wanted_of(condition: EnableWhen) -> Answer:
    """What a condition compares with."""
    return next(value for _, value in _given(condition))


def condition_problems(found: Sequence[tuple[Item, tuple[Item, ...]]]) -> Iterator[str]:
    """What is wrong with the conditions of all items, in their order."""
    every = {item.link_id: item for item, _ in found}
    before: set[str] = set()
    for item, _ in found:
        for condition in item.enable_when:
            if says := _problem(condition, every.get(condition.question), before):
                yield f"item {item.link_id}: enableWhen of {condition.question}: {says}"
        if len(item.enable_when) > 1 and item.enable_behavior is None:
            yield f"item {item.link_id}: several conditions: say enableBehavior, all or any"
        before.add(item.link_id)


def _problem(condition: EnableWhen, asked: Item | None, before: set[str]) -> str:
    if asked is None:
        return "there is no such item"
    if asked.link_id not in before:
        return "it does not come before this item: move it up"
    if asked.type in NOT_ASKED:
        return "nobody answers it: name a question"
    given = [name for name, _ in _given(condition)]
    if len(given) != 1:
        return "it has one answer to compare with"
    if condition.operator == "exists":
        return "" if given == ["answer_boolean"] else "exists goes with answerBoolean"
    if given[0] not in _ANSWERS[asked.type]:
        return f"a {asked.type} is not compared with such an answer"
    if condition.operator not in ("=", "!=") and asked.type not in _ORDERED:
        return f"a {asked.type} is neither more nor less: use = or !="
    coding = condition.answer_coding
    if coding is not None and _key(coding) not in {
        _key(o.value_coding) for o in asked.answer_option
    }:
        return "it is none of that question's answers"
    return ""


def _given(condition: EnableWhen) -> Iterator[tuple[str, Answer]]:
    for name in type(condition).model_fields:
        value = getattr(condition, name)
        if name.startswith("answer_") and value is not None:
            yield name, value


def _holds(condition: EnableWhen, answer: Answer | None) -> bool:
    wanted = wanted_of(condition)
    if condition.operator == "exists":
        return (answer is not None) == wanted
    if answer is None:
        return condition.operator == "!="
    return _compare(condition.operator, answer, wanted)


def _compare(operator: str, answer: Answer, wanted: Answer) -> bool:
    left: Any = _comparable(answer)
    right: Any = _comparable(wanted)
    if operator in ("=", "!="):
        return bool(left == right) is (operator == "=")
    if operator == ">":
        return bool(left > right)
    if operator == "<":
        return bool(left < right)
    return bool(left >= right) if operator == ">=" else bool(left <= right)


def _comparable(answer: Answer) -> object:
    """A coded answer is the same by system and code, whatever language it is shown in."""
    return _key(answer) if isinstance(answer, Coding) else answer


def _key(coding: Coding) -> tuple[str, str]:
    return coding.system, coding.code
