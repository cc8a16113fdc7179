"""Numbers that name a batch and a message, made from the campaign's: made again, they are the same."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

import numpy as np

_MESSAGE_BITS = 24  # more rows than any list may have
_BATCH_BITS = 20


def message_id(campaign_id: int, row_number: int) -> int:
    """The message to the recipient on this row; the gateway's reference for it."""
    return (campaign_id << _MESSAGE_BITS) | row_number


def batch_id(campaign_id: int, number: int) -> int:
    """The campaign's batch of this number, from 1."""
    return (campaign_id << _BATCH_BITS) | number


def submission_id(install_id: str, batch: int, attempt: int) -> str:
    """
    The idempotency key of an attempt at a batch.

    Deterministic: a database restored from a backup asks with the *same* keys, and a gateway that
    remembers them sends nothing twice.
    """
    return str(uuid.uuid5(uuid.UUID(install_id), f"{batch}/{attempt}"))


def pack(ids: Iterable[int]) -> bytes:
    """Message ids as bytes: eight each."""
    return np.fromiter(ids, dtype="<i8").tobytes()


def unpack(data: bytes) -> list[int]:
    """The ids that `pack` packed."""
    return [int(value) for value in np.frombuffer(data, dtype="<i8")]
