"""
Writes docs/settings.md from the settings themselves, so that the page lists every one as it is.

Run it after a change of a setting: python -m clinic.settings.page
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from clinic.settings.installation import Settings
from clinic.settings.section import named_sections_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"

_HEAD = """\
# Settings

<!-- Made by `python -m clinic.settings.page` from the settings of the program; a test compares them. -->

Settings are read from `cohort.toml` in the working directory, or the file named by `COHORT_CONFIG` or
`--config`. `cohort init` writes one with every setting and a comment each. In the environment a setting is
`COHORT_` and its name in capitals, with two underscores for each dot: `sms.url` is `COHORT_SMS__URL`. The
environment wins over the file.

```
cohort settings                     what is in force, and from where each value comes
cohort settings check FILE          everything that is wrong with a file, before it is used
```

Some settings are changed only with a second approver:
[governance](governance.md#settings-that-one-person-alone-may-not-change).
Many practices with one base file, and passwords and tokens in files of their own:
[running](running.md#settings-of-one-practice-and-of-forty).
"""
_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
# A folder of the account that looks is not the same for all who read the page
_SHOWN = {"notes_folder": '"~/.local/state/cohort"', "operator": "the account's name"}


def settings_page() -> str:
    """The page, whole."""
    return _HEAD + "\n" + "\n".join(_section(Settings, "", "Installation")).rstrip() + "\n"


def _section(model: type[BaseModel], prefix: str, heading: str) -> Iterator[str]:
    """A table of the model's own settings, then those of each section below it."""
    below: list[tuple[str, type[BaseModel], str]] = []
    rows: list[str] = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            below.append((prefix + name, kind, f"`[{prefix}{name}]`"))
        else:
            for named in named_sections_of(field):
                dotted = f"{prefix}{name}.NAME"
                below.append((dotted, named, f"`[{dotted}]`{_of_type(named)}"))
            rows.append(f"| `{prefix}{name}` | {_default(prefix + name, field)} | {_says(field)} |")
    yield f"## {heading}\n"
    if prefix:
        yield " ".join((model.__doc__ or "").split()) + "\n"
    if rows:
        yield from ("| Setting | Default | What it is |", "|---|---|---|", *rows, "")
    for name, kind, title in below:
        yield from _section(kind, f"{name}.", title)


def _of_type(section: type[BaseModel]) -> str:
    """Of sections of which each has a type of its own: which one this is of."""
    kinds = (
        get_args(section.model_fields["type"].annotation) if "type" in section.model_fields else ()
    )
    return f" of type {kinds[0]}" if len(kinds) == 1 else ""


def _default(dotted: str, field: FieldInfo) -> str:
    if dotted in _SHOWN:
        return _SHOWN[dotted]
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    return "" if value in (None, "") else f"`{_spelled(value)}`"


def _spelled(value: Any) -> str:
    """As TOML has it, on one line."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{key} = {_spelled(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _says(field: FieldInfo) -> str:
    """What it is, what it may be, and between which bounds."""
    bounds = [
        f"{word} {getattr(each, name):,}"
        for each in field.metadata
        for name, word in _BOUNDS
        if getattr(each, name, None) is not None
    ]
    choices = _choices(field.annotation)
    said = [field.description or "", f"one of {', '.join(choices)}" if choices else "", *bounds]
    return re.sub(r"\|", r"\\|", "; ".join(part for part in said if part))


def _choices(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [f"`{each}`" for each in get_args(kind) if each]
    inside = () if get_origin(kind) in (dict, Mapping) else get_args(kind)
    return [choice for each in inside for choice in _choices(each)]


if __name__ == "__main__":
    PAGE.write_text(settings_page(), encoding="utf-8")
