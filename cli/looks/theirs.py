"""Of many, what is of patients of whoever looks; how many others there are is said (clinic/govern/tied.py)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeVar

from cli import console

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from clinic.record.database import Record
    from clinic.settings import Settings

T = TypeVar("T")
K = TypeVar("K")


def theirs(
    record: Record,
    settings: Settings,
    found: Sequence[T],
    by: Callable[[T], K],
    kept: Callable[[Connection, str, Collection[K]], Collection[K]],
) -> list[T]:
    """
    What may be shown; of who is tied to no facility it is all.

    Args:
        by: of a row, what tells whose it is
        kept: of clinic/govern/tied.py
    """
    from cli.proof import claimed

    with record.read() as connection:
        others = kept(connection, claimed(settings, ""), [by(each) for each in found])
    own = [each for each in found if by(each) not in others]
    say_others(len(found) - len(own))
    return own


def say_others(count: int) -> None:
    """How many are kept back; nothing where none are."""
    if count:
        console.say(f"Of patients of other facilities, and not shown: {count:,}.")
