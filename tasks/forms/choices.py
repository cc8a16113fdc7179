"""
Fields of a form that are chosen and not typed: what a server's form offers, as the record has it.

    {"type": "string", "pattern": …}               a field as the program has it
    {"type": "string", "pattern": …, "enum": […]}  as the server shows it, and asks of what it is given

A form that is compared or made new is one without choices; they are put in afterwards, by each
`cohort server start` and by `settle`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

FIELDS: Final = ("template", "group", "status", "facility")
_HOW: Final = (
    " Made since? It is offered within five minutes, or at once after cohort server start."
)


def with_choices(form: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The form with what can be chosen now; a field with nothing to choose is typed."""
    changed = without_choices(form)
    for name, field, text in _fields(changed):
        if offered := choices.get(name):
            default = field.get("default")
            text["enum"] = sorted({*offered, *([default] if default else [])})
            field["description"] = f"{field.get('description', '')}.{_HOW}"
    return changed


def without_choices(form: Mapping[str, Any]) -> dict[str, Any]:
    """The form as the program has it."""
    plain: dict[str, Any] = _copied(form)
    for _, field, text in _fields(plain):
        if text.pop("enum", None) is not None:
            field["description"] = field.get("description", "").removesuffix(f".{_HOW}")
    return plain


def _fields(form: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Each such field: its name, itself, and the part of it that is the text (beside "or nothing")."""
    for model in form.get("definitions", {}).values():
        for name, field in model.get("properties", {}).items():
            if name not in FIELDS:
                continue
            for part in (field, *field.get("anyOf", ())):
                if part.get("type") == "string":
                    yield name, field, part


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if isinstance(value, list) else value
