"""
A command asks Prefect's server for a moment: one that has ended meanwhile is told within seconds.

By default a request is tried six times, for a minute; a person waits at the terminal. Whatever is asked
here is in the record first, or names the same run when it is asked again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from clinic.errors import MendableError

RETRIES: Final = 1  # the second attempt comes after two seconds: for a server that is busy


@contextmanager
def quickly() -> Iterator[None]:
    """
    Give up soon on a server that is gone, for the length of the block.

    Raises:
        MendableError: it does not answer any more: start it; or it is too busy to
    """
    try:
        with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: RETRIES}):
            yield
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
