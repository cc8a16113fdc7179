"""A questionnaire in words, as the patient comes to it: what is asked, what can be answered, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clinic.ask.conditions import wanted_of
from clinic.ask.extensions import limits_of, unit_of
from clinic.ask.fhir import Coding, EnableWhen, Item, Questionnaire
from clinic.ask.items import questions, walk

# Shown before the first question, beside a danger answer, and at the end
NOT_AT_ONCE: Final = (
    "Your answers may not be read straight away. If you are seriously unwell, call 111. "
    "If a life is in danger, call 999."
)
_SAYS: Final = {
    "exists": "is answered", "=": "is", "!=": "is not", ">": "is more than", "<": "is less than",
    ">=": "is at least", "<=": "is at most",
}  # fmt: skip
_KINDS: Final = {
    "boolean": "Yes or no", "date": "A day", "string": "One line", "text": "Text",
    "integer": "A whole number", "decimal": "A number",
}  # fmt: skip


def shown(questionnaire: Questionnaire) -> Iterator[str]:
    """Its lines, from the title to the end; each depth of groups two spaces in."""
    yield questionnaire.title
    yield ""
    if questionnaire.description is not None:
        yield questionnaire.description
        yield ""
    yield NOT_AT_ONCE
    asked = questions(questionnaire)
    for item, above in walk(questionnaire.item):
        indent = "  " * len(above)
        yield ""
        if when := _when(item, asked):
            yield f"{indent}[{when}]"
        prefix = f"{item.prefix} " if item.prefix else ""
        optional = " (optional)" if item.link_id in asked and not item.required else ""
        yield f"{indent}{prefix}{item.text or ''}{optional}"
        for line in _answers(item):
            yield f"{indent}  {line}"
    yield ""
    yield NOT_AT_ONCE


def _answers(item: Item) -> Iterator[str]:
    for option in item.answer_option:
        yield f"( ) {option.value_coding.display}"
    if item.type in _KINDS:
        least, most = limits_of(item)
        between = f" from {least} to {most}" if least is not None and most is not None else ""
        unit = f", in {unit_of(item)}" if unit_of(item) else ""
        longest = f", at most {item.max_length} characters" if item.max_length else ""
        yield f"____ {_KINDS[item.type]}{between}{unit}{longest}"


def _when(item: Item, asked: dict[str, Item]) -> str:
    each = [_condition(condition, asked) for condition in item.enable_when]
    joined = (" or " if item.enable_behavior == "any" else " and ").join(each)
    return f"Only if {joined}" if each else ""


def _condition(condition: EnableWhen, asked: dict[str, Item]) -> str:
    question = asked[condition.question]
    said = f"“{question.text}” {_SAYS[condition.operator]}"
    wanted = wanted_of(condition)
    if condition.operator == "exists":
        return said if wanted else f"“{question.text}” is not answered"
    if isinstance(wanted, Coding):
        codings = (option.value_coding for option in question.answer_option)
        return f"{said} “{next(c.display for c in codings if c.code == wanted.code)}”"
    return f"{said} {('no', 'yes')[wanted] if isinstance(wanted, bool) else wanted}"
