"""
A line of a run's story: what a step did, in counts, codes and our own sentences.

    info       what was done
    warning    what a person should look at
    error      what failed, or was refused

Nobody's name, number, address or date of birth stands in one, nor a heading or name of a list: those are
people's own words. A test sends a sentinel patient through all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from zoneinfo import ZoneInfo

from clinic.settings import Settings

Level = Literal["info", "warning", "error"]
_MOST: Final = 24  # codes in one line


@dataclass(frozen=True)
class Line:
    """A sentence and how much it matters."""

    says: str
    level: Level = "info"


def warning(says: str) -> Line:
    """What a person should look at."""
    return Line(says, "warning")


def error(says: str) -> Line:
    """What failed, or was refused."""
    return Line(says, "error")


def by_count(counts: Mapping[str, int]) -> str:
    """`opted_out 12, patient_dead 3`: the largest first, what is 0 not at all."""
    rows = sorted(((n, code) for code, n in counts.items() if n), key=lambda row: (-row[0], row[1]))
    told = [f"{code} {n:,}" for n, code in rows[:_MOST]]
    if rest := rows[_MOST:]:
        told.append(f"{len(rest)} more codes {sum(n for n, _ in rest):,}")
    return ", ".join(told)


def of_batches(first: int, last: int) -> str:
    """`Batch 1`, `Batches 1 to 9`."""
    return f"Batch {first}" if first == last else f"Batches {first} to {last}"


def clock_time(at: datetime, settings: Settings) -> str:
    """The practice's own time, with its zone; a day always with an hour, or it would look like a birthday."""
    zone = ZoneInfo(settings.organisation.time_zone)
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def joined(parts: Iterable[str]) -> str:
    """The parts that say something, with a comma between two."""
    return ", ".join(part for part in parts if part)
