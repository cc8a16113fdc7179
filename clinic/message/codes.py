"""
Numbers that name a batch, a message and an attempt, made from the campaign's: made again, they are the same.

What a gateway gets is never used twice, whatever was restored: a campaign draws its messages' numbers at
random when it is made, and keeps them. Counted up from the campaign's own number, those of a campaign made
after a restore were those of one that the restore had lost, and the gateway answered "already have it".
"""

from __future__ import annotations

import secrets
import sys
import uuid
from array import array
from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

_MESSAGE_BITS = 24  # more rows than any list may have
_BATCH_BITS = 20
# Of a base, above the row's 24 bits: 39, so that an id is a signed eight-byte integer
_START_BITS = 38  # where an installation begins: half of them are left for 500,000 campaigns
_STEP_BITS = 20
_FIRST = 1 << 31  # no campaign's number is as high: bases were made of those once
ROOM: Final = 1 << _MESSAGE_BITS  # a campaign's messages have the ids from its base on, this many


def draw_base(last: int | None) -> int:
    """
    Where the ids of a new campaign's messages begin: a random step above the last that is known.

    So ids rise with time, and a campaign made after a restore meets one of those that were lost with a
    chance of one in 500,000. Installations begin far from one another: they may share a provider's account.

    Args:
        last: the highest `message_base` of the record; None: it has no campaign
    """
    known = 0 if last is None else last >> _MESSAGE_BITS
    if known < _FIRST:
        known = _FIRST + secrets.randbelow((1 << _START_BITS) - _FIRST)
    return (known + 1 + secrets.randbelow(1 << _STEP_BITS)) << _MESSAGE_BITS


def message_id(base: int, row_number: int) -> int:
    """
    The message to the recipient on this row; the gateway's reference for it.

    Args:
        base: the campaign's `message_base`
    """
    return base | row_number


def batch_id(campaign_id: int, number: int) -> int:
    """The campaign's batch of this number, from 1."""
    return (campaign_id << _BATCH_BITS) | number


def message_on(base: int, row_number: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """`message_id` of a column of row numbers, in a query: eight bytes, where a row's number has four."""
    return row_number + sa.literal(base, sa.BigInteger)


def submission_id(install_id: str, base: int, batch: int, attempt: int) -> str:
    """
    The idempotency key of an attempt at a batch.

    Deterministic: a database restored from a backup asks with the *same* keys, and a gateway that
    remembers them sends nothing twice. Of another campaign with the same number it is another.

    Args:
        base: the campaign's `message_base`
    """
    return str(uuid.uuid5(uuid.UUID(install_id), f"{base}/{batch}/{attempt}"))


def pack(ids: Iterable[int]) -> bytes:
    """Message ids as bytes: eight each."""
    packed = array("q", ids)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack(data: bytes) -> list[int]:
    """The ids that `pack` packed."""
    packed = array("q")
    packed.frombytes(data)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tolist()
