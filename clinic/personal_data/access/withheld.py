"""What is kept out of a subject access file, on which ground, and what is shown after all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from clinic.errors import CohortRefused
from clinic.personal_data.access.item import Item
from clinic.personal_data.reach import packed

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
# Shorter words stand in other texts by chance; the end of a number is the same however it begins
_LEAST: Final = 5
_TAIL: Final = 8
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
        item.words |= set(values)


def disclose(items: Iterable[Item], names: Iterable[str]) -> None:
    """
    Show what was kept out for a third person: somebody has looked, and it is nobody else's.

    Raises:
        CohortRefused: there is no such item
    """
    for item, values in _named(items, names):
        item.withheld = {name: why for name, why in item.withheld.items() if name not in values}


def withhold_again(items: Iterable[Item], disclosed: Iterable[str]) -> int:
    """
    Keep out what is withheld also where the same words stand in another entry; in how many values they did.

    Args:
        disclosed: as they were typed: what somebody has looked at stays as they said
    """
    items = list(items)
    checked = {(item.name, name) for item, names in _named(items, disclosed) for name in names}
    own = {
        _plain(text)
        for item in items
        if item.name.startswith("patient-")
        for text in item.values.values()
    }
    words = {
        plain: item.withheld[name]
        for item in items
        for name in item.words & item.withheld.keys()
        if len(plain := _plain(item.values.get(name, ""))) >= _LEAST and plain not in own
    }
    found = 0
    for item in items if words else ():
        for name, text in item.values.items():
            if name in item.withheld or (item.name, name) in checked:
                continue
            plain = _plain(text)
            ground = next((why for word, why in words.items() if word in plain), None)
            if ground is not None:
                item.withheld[name] = ground
                found += 1
    return found


def _plain(text: str) -> str:
    """A text without what differs between two ways of typing it; of a British number its end."""
    plain = packed(text)
    digits = plain.lstrip("+")
    return digits[-_TAIL:] if digits.isdecimal() and len(digits) > _TAIL else plain


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
