"""
A questionnaire read from JSON, and written again: what is written is the same whoever wrote it, for its digest.

Nothing is guessed: what is not known here is refused with the item that it is in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import ValidationError

from clinic.ask.extensions import ON_ANSWERS, ORDINAL, weight_of
from clinic.ask.fhir import AnswerOption, Extension, Item, Questionnaire
from clinic.ask.fit import problems_of
from clinic.errors import QuestionnaireRefused

LARGEST: Final = 1_000_000  # bytes; the largest that ships has 75,000
_MOST_SAID: Final = 5


def read_questionnaire(text: bytes) -> Questionnaire:
    """
    A questionnaire that can be asked and scored.

    Raises:
        QuestionnaireRefused: it is no JSON, has something that is not known here, or does not hold together
    """
    raw = _json(text)
    try:
        found = Questionnaire.model_validate_json(orjson.dumps(raw))
    except ValidationError as error:
        problems = [_says(raw, each["loc"], each["msg"], each["type"]) for each in error.errors()]
        raise _unfit(problems) from None
    if problems := problems_of(found):
        raise _unfit(problems)
    return found.model_copy(update={"item": _same_weights(found.item)})


def write_questionnaire(questionnaire: Questionnaire) -> bytes:
    """The resource as JSON, two spaces deep."""
    return orjson.dumps(
        questionnaire.model_dump(by_alias=True, exclude_unset=True),
        default=json_value,
        option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
    )


def digest_of(questionnaire: Questionnaire) -> str:
    """SHA-256 of what it says, whatever the order and the spaces of its file."""
    plain = questionnaire.model_dump(by_alias=True, exclude_unset=True)
    return hashlib.sha256(
        orjson.dumps(plain, default=json_value, option=orjson.OPT_SORT_KEYS)
    ).hexdigest()


def json_value(value: Any) -> Any:
    """
    What orjson does not write by itself: decimals, as numbers, which is what FHIR has.

    Raises:
        TypeError: it is nothing of the kind
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _json(text: bytes) -> Any:
    if len(text) > LARGEST:
        raise _unreadable(f"it has {len(text):,} bytes: {LARGEST:,} are the most")
    try:
        raw = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
        orjson.dumps(raw)  # numbers and letters that JSON cannot hold
    except _Twice as twice:
        raise _unreadable(f"{twice} stands twice in one object: leave one") from None
    except (ValueError, RecursionError, TypeError):
        raise _unreadable("it is not JSON in UTF-8: export it once more") from None
    return raw


class _Twice(Exception):
    """A name that an object has twice: which of them counts, readers disagree."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _unreadable(says: str) -> QuestionnaireRefused:
    return QuestionnaireRefused(
        "questionnaire-unreadable", f"the questionnaire cannot be read: {says}"
    )


def _unfit(problems: Sequence[str]) -> QuestionnaireRefused:
    more = len(problems) - _MOST_SAID
    said = [*problems[:_MOST_SAID], *([f"and {more} more"] if more > 0 else [])]
    return QuestionnaireRefused(
        "questionnaire-unfit", "the questionnaire cannot be asked: " + "; ".join(said)
    )


def _says(raw: Any, where: Sequence[int | str], message: str, kind: str) -> str:
    """Which item, which field, what is wrong: by the linkId, since nobody counts items."""
    item, at = "", raw
    field: list[str] = []
    for step in where:
        at = _below(at, step)
        if isinstance(step, int) and isinstance(at, dict) and isinstance(at.get("linkId"), str):
            item, field = f"item {at['linkId']}: ", []
        else:
            field.append(str(step))
    told = {
        "extra_forbidden": "is not known here: take it out",
        "missing": "is missing: add it",
    }.get(kind, message.removeprefix("Value error, ").removeprefix("Input "))
    return f"{item}{'.'.join(field) or 'it'}: {told}"


def _below(at: Any, step: int | str) -> Any:
    try:
        return at[step]
    except (KeyError, IndexError, TypeError):
        return None


def _same_weights(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Each weight under R4's own name, beside its answer; what had none stays as it was."""
    changed = []
    for item in items:
        update: dict[str, Any] = {}
        if item.item:
            update["item"] = _same_weights(item.item)
        if any(weight_of(option) is not None for option in item.answer_option):
            update["answer_option"] = tuple(map(_same_weight, item.answer_option))
        changed.append(item.model_copy(update=update) if update else item)
    return tuple(changed)


def _same_weight(option: AnswerOption) -> AnswerOption:
    weight = weight_of(option)
    coding = option.value_coding
    others = tuple(e for e in option.extension if e.url not in ON_ANSWERS)
    one = Extension.model_validate({"url": ORDINAL, "valueDecimal": weight})
    if coding.extension:
        plain = coding.model_dump(by_alias=True, exclude_unset=True, exclude={"extension"})
        coding = type(coding).model_validate(plain)
    return option.model_copy(update={"value_coding": coding, "extension": (*others, one)})
