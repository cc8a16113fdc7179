"""
How pages look: the one Jinja environment, with the NHS kit's macros.

Everything is escaped, whatever a file is called: Starlette's own templates would leave `.jinja` as it is.
A value that is missing renders as nothing: the macros of the kit ask for keys that nobody passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import (
    ChainableUndefined,
    ChoiceLoader,
    Environment,
    FileSystemBytecodeCache,
    PackageLoader,
)

from clinic.record.private import close_folder
from clinic.values.text import counted


def environment(folder: Path, zone: ZoneInfo) -> Environment:
    """The environment of the pages; `folder`: where its compiled templates are kept."""
    close_folder(folder)
    made = Environment(
        loader=ChoiceLoader(
            [PackageLoader("desk", "pages"), PackageLoader("nhsuk_frontend_jinja")]
        ),
        autoescape=True,
        undefined=ChainableUndefined,
        auto_reload=False,
        cache_size=400,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=FileSystemBytecodeCache(str(folder)),
    )
    made.filters.update(_filters(zone))
    return made


def _filters(zone: ZoneInfo) -> Mapping[str, Callable[..., Any]]:
    def when(moment: datetime | None) -> str:
        """A moment in the practice's own time: 3 Nov 2026, 14:05."""
        return f"{moment.astimezone(zone):%-d %b %Y, %H:%M}" if moment else ""

    def day(one: date | datetime | None) -> str:
        """3 Nov 2026."""
        local = one.astimezone(zone) if isinstance(one, datetime) else one
        return f"{local:%-d %b %Y}" if local else ""

    def number(value: float | None) -> str:
        """1,234."""
        return "" if value is None else f"{value:,}"

    return {"when": when, "day": day, "number": number, "counted": counted}
