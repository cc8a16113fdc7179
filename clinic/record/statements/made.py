"""
Statements that are asked with each batch are made once: what differs from batch to batch is a parameter.

To make one takes SQLAlchemy longer than to ask it: of the rules that are asked in the intent, four times.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.util import LRUCache

from clinic.record.types import UtcDateTime

_MOST: Final = 200  # some for each campaign under way, and each day


@dataclass(frozen=True)
class Instant:
    """The instant at which a statement is asked, and any time before it: its parameters."""

    before: timedelta = timedelta(0)
    used: dict[str, timedelta] = field(default_factory=dict)

    def __sub__(self, period: timedelta) -> Instant:
        return Instant(self.before + period, self.used)

    def __clause_element__(self) -> sa.BindParameter[datetime]:
        """As SQLAlchemy takes it up where a statement compares something with it."""
        name = f"now_less_{self.before // timedelta(microseconds=1)}"
        self.used[name] = self.before
        return sa.bindparam(name, type_=UtcDateTime())

    def values(self, now: datetime) -> dict[str, datetime]:
        """Of each parameter that was made from it."""
        return {name: now - before for name, before in self.used.items()}


# What a query may be told: an instant, or that it is told one when it is asked
At: TypeAlias = datetime | Instant


@dataclass(frozen=True)
class Made:
    """A statement and the instants in it."""

    statement: sa.Select[Any]
    instant: Instant

    def values(self, now: datetime, others: Mapping[str, object]) -> dict[str, object]:
        """Its parameters, at this moment."""
        return {**self.instant.values(now), **others}


_made: LRUCache[Hashable, Made] = LRUCache(_MOST)


def known(key: Hashable) -> Made | None:
    """The statement that was made for this key; None: none was, or it was not asked for long."""
    found: Made | None = _made.get(key)
    return found


def keep(key: Hashable, made: Made) -> Made:
    """For whoever asks by this key next."""
    _made[key] = made
    return made
