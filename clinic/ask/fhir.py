"""
FHIR R4 `Questionnaire`, the part of it that is shown, answered and scored here; the rest is refused (PAT-11).

Left out on purpose: repeats and items below questions (their linkIds are not unique in an answer), `initial`
(nothing is chosen beforehand), open-choice, value sets and expressions. What each item may have: fit.py.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

Kind = Literal[
    "group", "display", "choice", "boolean", "integer", "decimal", "date", "string", "text"
]
NOT_ASKED: Final = ("group", "display")
NUMBERS: Final = ("integer", "decimal")
Operator = Literal["exists", "=", "!=", ">", "<", ">=", "<="]


def _number(given: Any) -> Decimal:
    """A number of JSON, and no text or yes; as it was written."""
    if isinstance(given, Decimal):
        return given
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError("must be a number")
    return Decimal(str(given))


Number = Annotated[Decimal, BeforeValidator(_number), Field(ge=-(10**9), le=10**9)]
Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]
Code = Annotated[str, Field(max_length=80, pattern=r"^\S+( \S+)*$")]
Uri = Annotated[str, Field(max_length=300, pattern=r"^\S+$")]
LinkId = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9/._-]+$")]


class _Part(BaseModel):
    """A part of the resource: takes what it knows alone, and turns no text into a number."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, alias_generator=to_camel)


class Extension(_Part):
    """An extension; which are known, and where: extensions.py."""

    url: Uri
    value_string: Words | None = None
    value_code: Code | None = None
    value_decimal: Number | None = None
    value_integer: Number | None = None
    value_coding: Coding | None = None
    extension: tuple[Extension, ...] = ()


class Coding(_Part):
    """A code of a code system: LOINC, SNOMED CT, or the questionnaire's own."""

    system: Uri
    code: Code
    display: Words | None = None
    extension: tuple[Extension, ...] = ()


class AnswerOption(_Part):
    """One answer of a choice; `value_coding.display` is what the patient reads."""

    value_coding: Coding
    extension: tuple[Extension, ...] = ()


class EnableWhen(_Part):
    """A condition under which an item is asked; one answer[x]."""

    question: LinkId
    operator: Operator
    answer_boolean: bool | None = None
    answer_decimal: Number | None = None
    answer_integer: int | None = None
    answer_date: date | None = None
    answer_string: Words | None = None
    answer_coding: Coding | None = None


class Item(_Part):
    """A question, a text, or a group of them; `max_length` in characters."""

    link_id: LinkId
    type: Kind
    text: Words | None = None
    prefix: Words | None = None
    code: tuple[Coding, ...] = ()
    required: bool = False
    max_length: Annotated[int, Field(ge=1, le=4000)] | None = None
    answer_option: Annotated[tuple[AnswerOption, ...], Field(max_length=50)] = ()
    enable_when: Annotated[tuple[EnableWhen, ...], Field(max_length=20)] = ()
    enable_behavior: Literal["all", "any"] | None = None
    extension: tuple[Extension, ...] = ()
    item: tuple[Item, ...] = ()


class Questionnaire(_Part):
    """
    A questionnaire.

    id: the key that commands call it by
    copyright: who allows its wording to be used, and under what conditions: without it nobody knows
    """

    resource_type: Literal["Questionnaire"]
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    status: Literal["draft", "active"]
    title: Words
    copyright: Words
    url: Uri | None = None
    version: Code | None = None
    name: Code | None = None
    language: Code | None = None
    publisher: Words | None = None
    description: Words | None = None
    purpose: Words | None = None
    date: Code | None = None
    subject_type: tuple[Literal["Patient"], ...] = ()
    code: tuple[Coding, ...] = ()
    extension: tuple[Extension, ...] = ()
    item: Annotated[tuple[Item, ...], Field(min_length=1)]
