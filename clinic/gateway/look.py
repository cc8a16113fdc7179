"""What a gateway can tell of itself without sending: whether it knows our login, and what is left to spend."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

SEGMENTS: Final = "segments"  # what a balance may be counted in, beside money


class Balance(NamedTuple):
    """What is left. unit: "segments", or a currency by three letters of ISO 4217; empty: nobody says which."""

    left: float
    unit: str

    def __str__(self) -> str:
        return f"{self.left:,.2f} {self.unit}".rstrip()


class Look(NamedTuple):
    """One thing to look at. good: None, it was not asked; balance: what is left, if that was told."""

    good: bool | None
    says: str
    balance: Balance | None = None


def not_asked(name: str) -> Look:
    """Of a gateway that answers nobody who sends nothing."""
    return Look(
        None, f"its login, which a message alone tries: cohort gateways test {name} --to NUMBER"
    )


@runtime_checkable
class Looks(Protocol):
    """A gateway that can be asked so."""

    def look(self) -> list[Look]:
        """Ask it; whatever goes wrong is one of the things seen."""


@runtime_checkable
class TellsCredit(Protocol):
    """A gateway that tells what is left to spend."""

    def credit(self) -> Look | None:
        """Ask for it alone; None: it is not set where. Whatever goes wrong is what was seen."""


def amount_of(found: Any) -> float:
    """
    A balance as a provider writes it, a number or a text.

    Raises:
        ValueError: it is no number, or none that anything can be held against (NaN, Infinity)
    """
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        raise ValueError("no number")
    try:
        left = float(found)
    except OverflowError:
        raise ValueError("no number") from None
    if not math.isfinite(left):
        raise ValueError("no number")
    return left
