"""What every source of data can do, and what it hands over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from clinic.settings import ImportKind

LEFT_OUT: Final = "left out:"


@dataclass(frozen=True)
class Fetched:
    """
    One file of one kind, in a folder for our account alone; the importers open it with `open_list`.

    rows: without the heading; None: a practice's own file, whose rows are counted when it is opened
    newest: when the newest of it was written, as far as the source says; UTC
    sha256: of the file as the source gave it, or of what was staged
    origin: what it is, for people: the name of a file or query, a resource type; nothing of a patient
    whole: it holds all that the source has of the kind, not changes alone
    left_out: entries that cannot be a row, by reason, counted
    pending: how many of them are of patients whom the source does not know yet
    changed: when anything of it was changed there last, where `newest` is only when it was asked
    """

    kind: ImportKind
    path: Path
    rows: int | None
    newest: datetime | None
    sha256: str
    origin: str
    whole: bool = True
    left_out: Mapping[str, int] = field(default_factory=dict)
    pending: int = 0
    changed: datetime | None = None


def said_of(fetched: Fetched) -> str:
    """What it is, and what the source gave that is no row: "Appointment (left out: 3 no patient)"."""
    left = "; ".join(f"{count:,} {why}" for why, count in sorted(fetched.left_out.items()))
    return f"{fetched.origin} ({LEFT_OUT} {left})" if left else fetched.origin


@dataclass(frozen=True)
class Answer:
    """
    What a source would give of a kind, without giving it.

    rows: None where only fetching it would tell
    columns: its headings, in order
    problem: why it would give nothing; "" where it would
    """

    kind: str
    origin: str = ""
    rows: int | None = None
    newest: datetime | None = None
    columns: Sequence[str] = ()
    problem: str = ""


class Source(Protocol):
    """One source of data."""

    @property
    def name(self) -> str:
        """As in the settings."""

    def kinds(self) -> Sequence[ImportKind]:
        """
        What it is set to give, in the order of imports: patients before what is theirs.

        Raises:
            SourceProblem: even that cannot be said
        """

    def check(self, kind: ImportKind) -> Answer:
        """What it would give. A problem is in the answer. Changes nothing, here or there."""

    def fetch(
        self, kind: ImportKind, into: Path, *, since: datetime | None = None
    ) -> Iterator[Fetched]:
        """
        Fetch all of a kind, or where the source can tell, what changed from `since` on.

        Mostly one file; several are to be imported in their order. Memory stays flat. Run again it
        fetches again.

        Args:
            into: a folder of `staging`

        Raises:
            SourceDown: no answer; try again later
            SourceRefused: what it is set to ask for, or what it gives, makes no sense
        """

    def done(self, fetched: Fetched) -> None:
        """What was fetched is imported: it need not be given again. May be called twice."""
