"""What every part of the settings is: a model that takes no key it does not know. And their names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.fields import FieldInfo


def _is_phrase(text: str) -> str:
    if not re.search(r"[^\W_]|#", text):
        raise ValueError("a phrase has a letter, a digit or a #: without it is in every text")
    return text


# Phrases of a practice, for one of the program's word lists
Phrases = list[Annotated[str, AfterValidator(_is_phrase)]]


class Section(BaseModel):
    """
    Settings that belong together. A key that is not one of them is an error: it would be ignored.

    So is a number that is none (nan, inf in TOML): no limit and no price can be held against it.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """The section that a field holds; None: a setting."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def named_sections_of(field: FieldInfo) -> tuple[type[BaseModel], ...]:
    """
    The sections that a table of sections by name holds, as [sources.NAME]; none: another setting.

    Several where each has a type of its own, as [gateways.NAME].
    """
    if get_origin(field.annotation) is not dict:
        return ()
    kind = get_args(field.annotation)[1]
    if get_origin(kind) is Annotated:  # a choice by `type`
        kind = get_args(kind)[0]
    kinds = get_args(kind) or (kind,)
    return tuple(one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel))


def settings_in(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting by its dotted name: "sms.gateway_class"."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is None:
            yield prefix + name, field
        else:
            yield from settings_in(section, f"{prefix}{name}.")


def sections_in(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every section by its dotted name: "pacing", "pacing.sms"."""
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is not None:
            yield prefix + name
            yield from sections_in(section, f"{prefix}{name}.")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """What was probably meant: by the whole dotted name, or by its last part where the section is wrong."""
    names = list(known)
    lowered = {name.lower(): name for name in names}
    if close := difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.75):
        return lowered[close[0]]
    lasts = {name.rpartition(".")[2]: name for name in reversed(names)}
    last = word.lower().rpartition(".")[2]
    if found := difflib.get_close_matches(last, lasts, n=1, cutoff=0.7):
        return lasts[found[0]]
    weak = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.4)
    return lowered[weak[0]] if weak else None
