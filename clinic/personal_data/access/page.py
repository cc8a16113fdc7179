"""The two files of a subject access request: one that people read, one for programs. The same is in both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from clinic.personal_data.access.item import Item
from clinic.personal_data.access.withheld import GROUNDS
from clinic.personal_data.catalogue import every_place
from clinic.personal_data.kinds import Section

_PAGE: Final = Path(__file__).with_name("page.html.j2")


def document(items: Iterable[Item], about: Mapping[str, str]) -> dict[str, Any]:
    """All that both files say: sections in their order, each value or the ground on which it is withheld."""
    items = list(items)
    sections = [
        {
            "heading": section.value,
            "parts": _parts([one for one in items if one.section is section]),
        }
        for section in Section
    ]
    return {
        "about": dict(about),
        "sections": sections,
        "recipients": _recipients(items),
        "grounds": {
            ground: GROUNDS[ground]
            for ground in sorted({why for item in items for why in item.withheld.values()})
        },
        "not_here": sorted({place.why_not for place in every_place() if place.why_not}),
    }


def as_html(found: Mapping[str, Any]) -> str:
    """The page: one file, nothing fetched, every value escaped."""
    return _template().render(**found)


def _parts(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [
        {
            "about": about,
            "purpose": purpose,
            "kept": kept,
            "items": [
                {
                    "item": item.name,
                    "values": {
                        name: value
                        for name, value in item.values.items()
                        if value and name not in item.withheld
                    },
                    "withheld": {
                        name: why for name, why in item.withheld.items() if item.values.get(name)
                    },
                }
                for item in group
            ],
        }
        for (about, purpose, kept), group in groupby(
            items, key=lambda item: (item.about, item.purpose, item.kept)
        )
    ]


def _recipients(items: Sequence[Item]) -> list[str]:
    """Who was given it: gateways that carried messages, and whoever has an exported file."""
    gateways = {
        item.values["gateway"]
        for item in items
        if item.name.startswith("campaign-") and item.values.get("gateway")
    }
    exports = {item.values["name"] for item in items if item.name.startswith("export_file-")}
    return [
        *(f"the gateway {name}, which carried messages to you" for name in sorted(gateways)),
        *(f"whoever was given the exported file {name}" for name in sorted(exports)),
    ]


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_PAGE.read_text(encoding="utf-8"))
