"""
What failed at one address: after many of them the next waits (ASVS 6.3.1).

Only failures count, and generously: a whole surgery has one address, and so has a town of telephones. Of one
name, and of one link, the record counts by itself, for all addresses together. In this process's memory: a
process that starts again begins to count again.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from clinic.errors import NotAllowed

SIGN_IN: Final = "60 per 5 minute"


class Throttle:
    """Counts what failed, by address. most: so many, and in which time"""

    def __init__(self, most: str = SIGN_IN) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._most = parse(most)

    def allows(self, address: str) -> bool:
        """Whether one more try may be made from there."""
        return self._limiter.test(self._most, _network(address))

    def require(self, address: str) -> None:
        """
        Whether one more sign-in may be tried from there.

        Raises:
            NotAllowed: too many failed within five minutes
        """
        if not self.allows(address):
            raise NotAllowed(
                "sign-in-throttled",
                "too many wrong sign-ins came from your address: wait five minutes. Who is signed in stays so",
            )

    def failed(self, address: str) -> None:
        """One more try failed there."""
        self._limiter.hit(self._most, _network(address))


def _network(address: str) -> str:
    """Who has one address of IPv6 has 2 to the 64th of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else address
