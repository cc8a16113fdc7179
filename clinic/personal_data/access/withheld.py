"""What is kept out of a subject access file, on which ground, and what is shown after all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from clinic.errors import CohortRefused
from clinic.personal_data.access.item import Item

# By code: what the person reads
GROUNDS: Final = {
    "third-person": "It is of, or names, somebody else (Data Protection Act 2018, Schedule 2, paragraph 16).",
    "serious-harm": "A health professional holds that it would be likely to cause serious harm "
    "(Data Protection Act 2018, Schedule 3, paragraph 5).",
    "expectation": "It was given in the expectation that it would not be shown to whoever asks "
    "(Data Protection Act 2018, Schedule 3, paragraph 4).",
    "privilege": "It is legal advice (Data Protection Act 2018, Schedule 2, paragraph 19).",
}
CHECK: Final = "third-person"  # until a health professional has looked
_OTHERS: Final = re.compile(
    r"next.?of.?kin|\bnok\b|carer|proxy|guardian|parent|mother|father|spouse|partner|emergency|relative"
    r"|household|contact.?name",
    re.IGNORECASE,
)


def speaks_of_others(heading: str) -> bool:
    """Whether a column of a list is of a relative or carer, by its heading."""
    return _OTHERS.search(heading) is not None


def withhold(items: Iterable[Item], names: Iterable[str], ground: str) -> None:
    """
    Keep these items out, whole or a value of each ("reply-12", "reply-12:text").

    Raises:
        CohortRefused: there is no such item, or no such ground
    """
    if ground not in GROUNDS:
        raise CohortRefused(
            "subject-access-ground", f"say on which ground: one of {', '.join(GROUNDS)}"
        )
    for item, values in _named(items, names):
        item.withheld |= dict.fromkeys(values, ground)


def disclose(items: Iterable[Item], names: Iterable[str]) -> None:
    """
    Show what was kept out for a third person: somebody has looked, and it is nobody else's.

    Raises:
        CohortRefused: there is no such item
    """
    for item, values in _named(items, names):
        item.withheld = {name: why for name, why in item.withheld.items() if name not in values}


def counts_by_ground(items: Iterable[Item]) -> dict[str, int]:
    """How many values are withheld, by ground."""
    return dict(Counter(ground for item in items for ground in item.withheld.values()))


def _named(items: Iterable[Item], names: Iterable[str]) -> list[tuple[Item, list[str]]]:
    known = {item.name: item for item in items}
    found = []
    for given in names:
        name, _, value = given.partition(":")
        item = known.get(name)
        if item is None or (value and value not in item.values):
            raise CohortRefused(
                "subject-access-item",
                "there is no such item in this person's file: the file names each, such as reply-12, or "
                "reply-12:text for one value of it",
            )
        found.append((item, [value] if value else list(item.values)))
    return found
