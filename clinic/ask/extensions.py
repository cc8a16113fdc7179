"""
What FHIR R4 leaves to extensions: the weight of an answer, limits, units; and our own: scores, danger answers.

    questionnaire   urn:cohort:score    name, method, item …, code …, unit, band (from, name, code)
    item            urn:cohort:danger   from or limit (a setting of the site), says
                    minValue, maxValue, questionnaire-unit (HL7's)
    answerOption    ordinalValue (HL7's; two other names of it are read, and written as this one)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Literal, get_args

from clinic.ask.fhir import AnswerOption, Coding, Extension, Item, Questionnaire
from clinic.ask.items import questions

_HL7: Final = "http://hl7.org/fhir/StructureDefinition/"
ORDINAL: Final = f"{_HL7}ordinalValue"
# STU3's name, and R5's: questionnaires of both are about
_WEIGHTS: Final = (ORDINAL, f"{_HL7}questionnaire-ordinalValue", f"{_HL7}itemWeight")
_LEAST, _MOST, _UNIT = f"{_HL7}minValue", f"{_HL7}maxValue", f"{_HL7}questionnaire-unit"
_SCORE, _DANGER = "urn:cohort:score", "urn:cohort:danger"
ON_ITEMS: Final = frozenset({_LEAST, _MOST, _UNIT, _DANGER})
ON_QUESTIONNAIRES: Final = frozenset({_SCORE})
ON_ANSWERS: Final = frozenset(_WEIGHTS)
PARTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        _SCORE: frozenset({"name", "method", "item", "code", "unit", "band"}),
        _DANGER: frozenset({"from", "limit", "says"}),
        "band": frozenset({"from", "name", "code"}),
    }
)
_NUMBERS: Final = frozenset({"value_decimal", "value_integer"})
_CODES: Final = frozenset({"value_coding"})
_WORDS: Final = frozenset({"value_string"})
# Which value of it is read; of those in PARTS the parts are
VALUES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        **dict.fromkeys((*_WEIGHTS, _LEAST, _MOST, "from"), _NUMBERS),
        **dict.fromkeys((_UNIT, "code"), _CODES),
        **dict.fromkeys(("name", "item", "unit", "says"), _WORDS),
        **dict.fromkeys(("method", "limit"), frozenset({"value_code"})),
    }
)
# What may stand more than once in one place
SEVERAL: Final = frozenset({_SCORE, _DANGER, "item", "code", "band"})

Method = Literal["sum", "mean", "bmi"]
METHODS: Final[tuple[str, ...]] = get_args(Method)
# Settings of the site that a danger answer may name as its limit: clinic/settings/questionnaires.py
LIMITS: Final = ("systolic", "diastolic")


@dataclass(frozen=True)
class Band:
    """What a score from `start` on means, up to the next band; `has_start`: its file says from where."""

    start: Decimal
    name: str
    code: Coding | None
    has_start: bool = True


@dataclass(frozen=True)
class Score:
    """
    A number made of answers.

    method: sum or mean of the items; bmi: of kilograms (the first item) and centimetres (the second)
    """

    name: str
    method: str
    items: tuple[str, ...]
    codes: tuple[Coding, ...]
    unit: str
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class Danger:
    """An answer from `start` on, or from the site's `limit` on, is flagged; `says` what to do now."""

    start: Decimal | None
    limit: str
    says: str


def weights_of(option: AnswerOption) -> set[Decimal]:
    """Every weight that is written at an answer, wherever it is and whatever it is called; two: a conflict."""
    found = (*option.extension, *option.value_coding.extension)
    values = (e.value_decimal if e.value_integer is None else e.value_integer for e in found)
    return {value for value in values if value is not None}


def weight_of(option: AnswerOption) -> Decimal | None:
    """What an answer counts; None: it is not scored."""
    return next(iter(weights_of(option)), None)


def scored(item: Item) -> bool:
    """Whether an item's answers are choices that count."""
    return bool(item.answer_option) and all(weights_of(option) for option in item.answer_option)


def limits_of(item: Item) -> tuple[Decimal | None, Decimal | None]:
    """The least and the most that is taken as an answer."""
    least, most = (
        next((_number(e) for e in item.extension if e.url == url), None) for url in (_LEAST, _MOST)
    )
    return least, most


def unit_of(item: Item) -> str:
    """What a number is in: kg; empty: nothing."""
    units = (e.value_coding for e in item.extension if e.url == _UNIT)
    return next((unit.display or unit.code for unit in units if unit is not None), "")


def dangers_of(item: Item) -> tuple[Danger, ...]:
    """Which of an item's answers are flagged."""
    found = (e.extension for e in item.extension if e.url == _DANGER)
    return tuple(
        Danger(_decimal(parts, "from"), _text(parts, "limit"), _text(parts, "says"))
        for parts in found
    )


def scores_of(questionnaire: Questionnaire) -> tuple[Score, ...]:
    """The scores; where none is described and answers have weights, their sum without bands."""
    own = (e.extension for e in questionnaire.extension if e.url == _SCORE)
    if described := tuple(map(_score, own)):
        return described
    items = tuple(key for key, item in questions(questionnaire).items() if scored(item))
    return (Score("Score", "sum", items, questionnaire.code, "", ()),) if items else ()


def _score(parts: Sequence[Extension]) -> Score:
    return Score(
        name=_text(parts, "name"),
        method=_text(parts, "method") or "sum",
        items=tuple(e.value_string or "" for e in parts if e.url == "item"),
        codes=tuple(_codings(parts)),
        unit=_text(parts, "unit"),
        bands=tuple(_band(e.extension) for e in parts if e.url == "band"),
    )


def _band(parts: Sequence[Extension]) -> Band:
    start = _decimal(parts, "from")
    code = next(_codings(parts), None)
    return Band(start or Decimal(0), _text(parts, "name"), code, start is not None)


def _codings(parts: Sequence[Extension]) -> Iterator[Coding]:
    return (e.value_coding for e in parts if e.url == "code" and e.value_coding is not None)


def _text(parts: Sequence[Extension], name: str) -> str:
    return next((e.value_string or e.value_code or "" for e in parts if e.url == name), "")


def _decimal(parts: Sequence[Extension], name: str) -> Decimal | None:
    return next((_number(e) for e in parts if e.url == name), None)


def _number(extension: Extension) -> Decimal | None:
    whole = extension.value_integer
    return extension.value_decimal if whole is None else whole
