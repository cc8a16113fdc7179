"""What is wrong with the settings, for who wrote them: where it stands, what was found, what to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from clinic.settings.section import named_sections_of, nearest, sections_in, settings_in

_SHOWN: Final = 60


def faults_of(
    error: ValidationError, model: type[BaseModel], place: Callable[[Sequence[str]], str]
) -> list[str]:
    """
    Every error, in a sentence each.

    place: where a setting was written: a line of the file, or a variable
    """
    return [_sentence(fault, model, place) for fault in error.errors()]


def place_of(loc: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    """How a setting is written, without what pydantic says besides: [key], and the type of a section."""
    name = [str(part) for part in loc if part != "[key]"]
    field = model.model_fields.get(name[0]) if name else None
    if field is not None and len(name) > 2 and len(named_sections_of(field)) > 1:
        del name[2]
    return name


def _sentence(
    fault: ErrorDetails, model: type[BaseModel], place: Callable[[Sequence[str]], str]
) -> str:
    name = place_of(fault["loc"], model)
    dotted = ".".join(name)
    where = place(name)
    if fault["type"] == "extra_forbidden":
        return f"{where}: there is no setting {dotted}{_meant(dotted, model)}"
    says = fault["msg"].removeprefix("Value error, ")
    says = says[:1].lower() + says[1:]
    return f"{where}: {dotted or 'settings'}: {says}{_found(dotted, fault['input'], model)}"


def _meant(dotted: str, model: type[BaseModel]) -> str:
    names = [name for name, _ in _settings(dotted, model)]
    meant = nearest(dotted, [*names, *sections_in(model)])
    return f"; the nearest is {meant}" if meant else ""


def _found(dotted: str, value: Any, model: type[BaseModel]) -> str:
    """What was written there, unless it is a secret, or a table too large to show."""
    if not isinstance(value, str | int | float | bool) or _may_be_secret(dotted, model):
        return ""
    shown = repr(value)
    return f"; found {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'}"


def _may_be_secret(dotted: str, model: type[BaseModel]) -> bool:
    for name, field in sorted(_settings(dotted, model), key=lambda each: -len(each[0])):
        if f"{dotted}.".startswith(f"{name}."):
            return field.annotation is SecretStr or name.endswith("url")
    return True


def _settings(dotted: str, model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Every setting by its name; those of the named section that `dotted` is in too."""
    first, _, rest = dotted.partition(".")
    for name, field in settings_in(model):
        yield name, field
        if name == first and rest:
            for named in named_sections_of(field):
                yield from settings_in(named, f"{name}.{rest.partition('.')[0]}.")
