"""
Errors whose sentence may hold people's own words: the name of a file or sheet, a heading, a column of a query.

The sentence is for the person at the terminal and for the record. Prefect keeps the code, and where to look; of
what a library or this program had raised before it, the type and the place, so that an internal error is found.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from clinic.errors import CohortError, MendableError
from tasks.guard.scrub import where


@contextlib.contextmanager
def by_code(what: str, why: str) -> Iterator[None]:
    """
    Let an error of the block be told by its type and code; its type says whether to try again.

    Args:
        what: in our words, what the block was about; why: where its own sentence is to be read
    """
    try:
        yield
    except MendableError as error:
        told = type(error)(error.code, f"{what}: {why}{_cause_of(error)}")
    else:
        return
    raise told from None  # the sentence stays in what `safe` takes off (tasks/guard/decorators.py)


def _cause_of(error: BaseException) -> str:
    """What it was raised for, where that was not raised on purpose: a type and a place, never a value."""
    seen: BaseException | None = error
    while isinstance(seen, CohortError):
        seen = seen.__cause__ or seen.__context__
    return "" if seen is None else f" ({type(seen).__name__} at {where(seen.__traceback__)})"
