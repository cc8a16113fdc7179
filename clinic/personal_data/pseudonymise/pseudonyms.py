"""Synthetic people in the place of real ones: the same value becomes the same synthetic one, wherever it is."""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import blake2b
from typing import Final

from clinic.personal_data.reach import packed

_GIVEN: Final = (
    "Alder", "Briar", "Clover", "Dahlia", "Elm", "Fern", "Gorse", "Hazel", "Iris", "Juniper", "Laurel", "Maple",
    "Nettle", "Olive", "Poppy", "Rowan", "Sage", "Tansy", "Violet", "Willow",
)  # fmt: skip
_FAMILY: Final = (
    "Bridge", "Castle", "Dyke", "Ferry", "Gate", "Harbour", "Inn", "Junction", "Kiln", "Lock", "Mill", "Quay",
    "Road", "Station", "Tower", "Viaduct", "Wharf", "Yard",
)  # fmt: skip
_DAYS: Final = 365
_NEVER_ISSUED: Final = "999"
_WEIGHTS: Final = range(10, 1, -1)


@dataclass
class Pseudonyms:
    """
    What each value became. The key is in memory alone: nobody can repeat it, or go back.

    seen: by kind of value: what it was → its number
    last, last_mobile: of the NHS numbers and mobile numbers that were synthetic
    taken: NHS numbers, and ends of mobile numbers, that are somebody's in the record: nobody gets one
    """

    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    seen: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    last: int = 0
    last_mobile: int = 0
    taken: frozenset[str] = frozenset()

    def number(self, of: str, value: str) -> int:
        """From 1, the same for the same value."""
        known = self.seen[of]
        return known.setdefault(value, len(known) + 1)

    def nhs_number(self, value: str) -> str:
        """Of the range that is never issued, with its check digit; nobody's of the record."""
        known = self.seen["nhs"]
        while value not in known:
            self.last += 1
            nine = f"{_NEVER_ISSUED}{self.last:06}"
            digit = -sum(at * int(sign) for at, sign in zip(_WEIGHTS, nine, strict=True)) % 11
            if digit < 10 and f"{nine}{digit}" not in self.taken:
                known[value] = int(f"{nine}{digit}")
        return str(known[value])

    def mobile(self, value: str) -> str:
        """Of the numbers for drama; from the thousandth on too long to be anybody's."""
        known, tail = self.seen["mobile"], packed(value)[-9:]
        while tail not in known:
            self.last_mobile += 1
            if f"700900{self.last_mobile:03}" not in self.taken:
                known[tail] = self.last_mobile
        return f"+447700900{known[tail]:03}"

    def email(self, value: str) -> str:
        """At a domain that nobody has."""
        return f"person{self.number('email', value.strip().lower())}@example.org"

    def name(self, of: str, person: int) -> str:
        """A given or family name of a person."""
        names = _GIVEN if of == "given_name" else _FAMILY
        return names[self._draw(of, person) % len(names)]

    def moved(self, value: date | datetime, person: int) -> date | datetime:
        """Earlier by a number of days that is each person's own."""
        return value - timedelta(days=1 + self._draw("days", person) % _DAYS)

    def _draw(self, of: str, person: int) -> int:
        mark = blake2b(f"{of} {person}".encode(), key=self.key, digest_size=8)
        return int.from_bytes(mark.digest(), "big")
