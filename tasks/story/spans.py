"""Spans of a campaign's batches: a task run costs Prefect 0.1 CPU seconds, so one takes several batches."""

from __future__ import annotations

from typing import Final, NamedTuple

MOST_SPANS: Final = 10


class Span(NamedTuple):
    """Some batches of a campaign: from `first` to `last`."""

    campaign_id: int
    first: int
    last: int


def spans_of(campaign_id: int, batches: int) -> list[Span]:
    """Cut a campaign's batches into at most `MOST_SPANS` spans of nearly the same length."""
    size = max(1, -(-batches // MOST_SPANS))
    return [
        Span(campaign_id, first, min(first + size - 1, batches))
        for first in range(1, batches + 1, size)
    ]
