"""
Errors whose sentence may hold people's own words: the name of a file or sheet, a heading, a column of a query.

The sentence is for the person at the terminal and for the record. Prefect keeps the code, and where to look.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from clinic.errors import MendableError


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
        told = type(error)(error.code, f"{what}: {why}")
    else:
        return
    raise told
