"""
Wrong sign-ins of one address: after many of them the next waits (ASVS 6.3.1).

Only failures count, and generously: a whole surgery has one address. Of one name the record counts by itself,
for all addresses together. In this process's memory: a desk that starts again begins to count again.
"""

from __future__ import annotations

from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from clinic.errors import NotAllowed

_FAILURES: Final = parse("60 per 5 minute")


class Throttle:
    """Counts what failed, by address."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def require(self, address: str) -> None:
        """
        Whether one more try may be made from there.

        Raises:
            NotAllowed: too many failed within five minutes
        """
        if not self._limiter.test(_FAILURES, address):
            raise NotAllowed(
                "sign-in-throttled",
                "too many wrong sign-ins came from your address: wait five minutes. Who is signed in stays so",
            )

    def failed(self, address: str) -> None:
        """One more try failed there."""
        self._limiter.hit(_FAILURES, address)
