"""An entry of a person's file."""

from __future__ import annotations

from dataclasses import dataclass, field

from clinic.personal_data.kinds import Section


@dataclass
class Item:
    """
    A row, or a file's lines: by its name, what it says, and what of it is withheld on which ground.

    names: "reply-12": what is typed to withhold it, or to show it
    words: names of values that are another person's own words, which may stand in other entries too
    """

    name: str
    section: Section
    about: str
    purpose: str
    kept: str
    values: dict[str, str]
    withheld: dict[str, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
