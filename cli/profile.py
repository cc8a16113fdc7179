"""
Writes `cohort.toml`: every setting there is, a comment each, defaults commented out.

A default that is not written down follows the program to its next version; what is chosen stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from clinic.settings import Settings

_HEAD = """\
# Settings of Cohort. A line that begins with # shows a default: take the # away to change it.
# The environment wins over this file: COHORT_HOME, COHORT_SMS__URL, …
"""


def settings_file(chosen: Mapping[str, Any]) -> str:
    """
    The file's text.

    chosen: settings that are not left at their defaults, by dotted name: "organisation.name"
    """
    return _HEAD + "\n".join(_lines(Settings, "", chosen)) + "\n"


def _lines(model: type[BaseModel], prefix: str, chosen: Mapping[str, Any]) -> Iterator[str]:
    sections = []
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            sections.append((name, field.annotation))
            continue
        dotted = prefix + name
        if field.description:
            yield f"\n# {field.description}"
        yield (
            _line(name, chosen[dotted]) if dotted in chosen else f"# {_line(name, _default(field))}"
        )
    for name, section in sections:
        purpose = " ".join((section.__doc__ or "").split())
        yield f"\n\n# --- {purpose}\n[{prefix}{name}]"
        yield from _lines(section, f"{prefix}{name}.", chosen)


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _line(name: str, value: Any) -> str:
    return f"{name} = {_toml(value)}".rstrip()


def _toml(value: Any) -> str:
    if value is None:
        return ""  # TOML has no word for nothing: a setting that is not there
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    # JSON's spelling of texts, numbers, truth values and lists is TOML's too
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
