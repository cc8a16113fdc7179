"""
Writes `cohort.toml`: every setting there is, a comment each, defaults commented out.

A default that is not written down follows the program to its next version; what is chosen stays.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from clinic.errors import SettingsWrong
from clinic.settings import Settings

_HEAD = """\
# Settings of Cohort. A line that begins with # shows a default: remove the # to change it.
# The environment wins over this file: COHORT_HOME, COHORT_SMS__URL, …
"""


def settings_file(chosen: Mapping[str, Any]) -> str:
    """
    The file's text.

    chosen: settings that are not left at their defaults, by dotted name: "organisation.name"
    """
    return _HEAD + "\n".join(_lines(Settings, "", chosen)) + "\n"


def changed_file(text: str, chosen: Mapping[str, Any]) -> str:
    """
    The text of a settings file with other values, and all else of it as it was.

    Raises:
        SettingsWrong: a value stands in it in a way that only a person can change
    """
    wanted = tomllib.loads(text)
    for dotted, value in chosen.items():
        section, _, name = dotted.rpartition(".")
        text = _with_line(text, section, name, value)
        inner = wanted
        for part in section.split(".") if section else ():
            inner = inner.setdefault(part, {})
        inner[name] = value
    try:
        same = tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise SettingsWrong(
            "settings-file",
            f"nothing was written: {', '.join(chosen)} cannot be changed in this file by itself, since a "
            "value takes several lines or a section is written in another way: change it there",
        )
    return text


def _with_line(text: str, section: str, name: str, value: Any) -> str:
    """The text with one setting's line in place of its own, or of the comment that shows its default."""
    lines, at, own, shown, end = text.split("\n"), "", None, None, None
    for number, line in enumerate(lines):
        if header := re.fullmatch(r"\s*\[([\w.]+)\]\s*(#.*)?", line):
            at = header[1]
        if at == section:
            end = number
            if re.match(rf"\s*{name}\s*=", line):
                own = number
            elif shown is None and re.match(rf"#\s*{name} =", line):
                shown = number
    place = own if own is not None else shown
    if place is not None:
        lines[place] = _line(name, value)
    elif end is not None:
        lines.insert(end + 1, _line(name, value))
    else:
        lines += [f"[{section}]", _line(name, value), ""]
    return "\n".join(lines)


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
    return f"{name} = {as_toml(value)}".rstrip()


def as_toml(value: Any) -> str:
    """A value as TOML spells it; nothing for None."""
    if value is None:
        return ""  # TOML has no word for nothing: a setting that is not there
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key)} = {as_toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }" if value else "{}"
    # JSON's spelling of texts, numbers, truth values and lists is TOML's too
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
