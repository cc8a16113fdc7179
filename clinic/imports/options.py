"""How an import is to be run: by whom, from which source, how that writes, and what it has all of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

from clinic.settings import ImportKind, SourceFormat


@dataclass(frozen=True)
class Complete:
    """
    The source has all there is: of appointments, from day `first` to `last`, both included; of opt-outs, all.

    most: the share of what the record has from it that may be cancelled or withdrawn for not being there
    """

    most: float
    first: date | None = None
    last: date | None = None


def complete_of(
    kind: ImportKind, how: SourceFormat, usual: float, *, today: date, written: date
) -> Complete | None:
    """
    What a source is set to have all of, of this kind; None: nothing.

    Args:
        usual: the share that may be cancelled or withdrawn, where the source has none of its own
        written: the day on which its export was made: of what is further ahead than its days from then it has
            nothing yet, and of what was before `today` less its days nothing any more
    """
    most = most_share(how, usual)
    if kind == "appointments" and how.complete_days is not None:
        first = today - timedelta(days=how.complete_past_days)
        last = written + timedelta(days=how.complete_days)
        return Complete(most, first, last) if first <= last else None
    return Complete(most) if kind in how.complete else None


def most_share(how: SourceFormat, usual: float, asked: float | None = None) -> float:
    """The share that may be cancelled or withdrawn: as asked for, else the source's, else the usual one."""
    if asked is not None:
        return asked
    return usual if how.most_gone is None else how.most_gone


@dataclass(frozen=True)
class Options:
    """
    What every kind's `run` is given besides the record, the clock and the opened file.

    by: who imports; source: whose ids the rows have; zone: of times without an offset, the organisation's
    codes: the organisations whose patients this installation may hold (organisation.codes); none: all
    statuses: the organisation's, of patients (organisation.statuses)
    how: how the source writes; complete: what it has all of; check: a dry run, nothing is written
    """

    by: str
    source: str = "file"
    zone: str = "Europe/London"
    codes: Collection[str] = ()
    how: SourceFormat = field(default_factory=SourceFormat)
    complete: Complete | None = None
    check: bool = False
    statuses: Collection[str] = ("active", "on_hold", "discharged")

    @property
    def time_zone(self) -> str:
        """Of times without an offset: the source's, else the organisation's."""
        return self.how.time_zone or self.zone
