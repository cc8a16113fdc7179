"""What a gateway can tell of itself without sending: whether it knows our login, and what is left to spend."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable


class Look(NamedTuple):
    """One thing that was seen; `balance`: what is left, where it tells it, in the money of its prices."""

    good: bool
    says: str
    balance: float | None = None


@runtime_checkable
class Looks(Protocol):
    """A gateway that can be asked so."""

    def look(self) -> list[Look]:
        """Ask it; whatever goes wrong is one of the things seen."""
