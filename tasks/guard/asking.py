"""
How Prefect's server is asked: for a moment where a person waits, and for all that it has, page by page.

By default a request is tried six times, for a minute; a person waits at the terminal. Whatever is asked
`quickly` is in the record first, or names the same run when it is asked again.

A list that is asked for ends after 200 of them, and says nothing of the rest: `whole` asks for the next. Forty
practices on one server have more automations than that, and each start of a worker leaves its name there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeVar
from uuid import UUID

import httpx
from prefect.context import SettingsContext, get_settings_context
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings

from clinic.errors import MendableError


class Known(Protocol):
    """What the server gives a key."""

    @property
    def id(self) -> UUID: ...


One = TypeVar("One", bound=Known)

_made: tuple[Settings, Settings] | None = None
RETRIES: Final = 1  # the second attempt comes after two seconds: for a server that is busy


@contextmanager
def quickly() -> Iterator[None]:
    """
    Give up soon on a server that is gone, for the length of the block.

    Raises:
        MendableError: it does not answer any more: start it; or it is too busy to
    """
    try:
        known = get_settings_context()
        with SettingsContext(profile=known.profile, settings=_giving_up_soon(known.settings)):
            yield
    except httpx.TimeoutException:
        raise MendableError(
            "prefect-busy",
            "Prefect's server does not answer yet: it, or this machine, is busy; try in a minute, and look: "
            "cohort server status",
        ) from None
    except httpx.TransportError:
        raise MendableError(
            "prefect-gone",
            "Prefect's server stopped answering while it was asked; start it again: cohort server start",
        ) from None
    except PrefectHTTPStatusError as problem:
        if problem.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            raise
        raise MendableError(
            "prefect-busy",
            "Prefect's server is busy with other runs, and answered twice that it cannot; try in a minute",
        ) from None


def _giving_up_soon(known: Settings) -> Settings:
    """Made once of the same settings: it takes as long as the question, and a run is asked about every 3 s."""
    global _made
    if _made is None or _made[0] is not known:
        _made = known, known.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: RETRIES})
    return _made[1]


def whole(page: Callable[..., Sequence[One]], **asked: Any) -> list[One]:
    """
    All that one of the client's `read_…` gives, whatever the server's size of a page is.

    What is new while it is asked moves the rest one place on: nothing is given twice. What goes meanwhile moves
    one back, which is passed over: whoever has to see everything asks again, as `settle` does.

    Args:
        page: takes `offset`, and gives nothing behind the last
    """
    found: dict[UUID, One] = {}
    offset = 0
    while part := page(**asked, offset=offset):
        offset += _take(part, found)
    return list(found.values())


async def whole_async(page: Callable[..., Awaitable[Sequence[One]]], **asked: Any) -> list[One]:
    """The same, of the client that is waited for."""
    found: dict[UUID, One] = {}
    offset = 0
    while part := await page(**asked, offset=offset):
        offset += _take(part, found)
    return list(found.values())


def _take(part: Sequence[One], found: dict[UUID, One]) -> int:
    found.update((one.id, one) for one in part)
    return len(part)
