"""
One Bundle to the other side, and what it proves of each of its entries.

A transaction that is refused as a whole is asked again as a batch, so that each entry has an answer of its own;
a batch that is refused as a whole, in halves. What has no answer is not known, and is never a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from clinic.fhir.bundle import BundleType, Entry, EntryReply, bundle_of, outcome_says, replies_of
from clinic.fhir.client import FhirClient

_OF_THE_ENTRIES: Final = frozenset({400, 409, 412, 413, 422})
_TOO_MUCH: Final = frozenset({400, 413, 422})
_MEANS: Final = {
    401: "it refuses our login: check outside_record.token",
    403: "it does not let us do this: check what our login may do there",
    404: "there is no FHIR server at this address: check outside_record.fhir_url",
    429: "it is asked too often",
    503: "it is busy",
}


class SideTrouble(Exception):
    """The other side as a whole takes nothing for now. says: why; wait: seconds that it asked for."""

    def __init__(self, says: str, wait: float | None = None) -> None:
        super().__init__(says)
        self.says, self.wait = says, wait


class LeaseLost(Exception):
    """Another process talks to the other side by now."""


def exchange(
    client: FhirClient, entries: Sequence[Entry], kind: BundleType, may_go_on: Callable[[], bool]
) -> list[EntryReply]:
    """
    What the other side says of each entry.

    Args:
        may_go_on: asked before each request

    Raises:
        NoAnswer: nothing is known of the entries
        SideTrouble: it takes nothing for now
        LeaseLost: may_go_on says no
    """
    if not may_go_on():
        raise LeaseLost
    answer = client.send("POST", "", bundle_of(kind, entries))
    if 200 <= answer.status < 300:
        replies = replies_of(answer.body, len(entries))
        if replies is None:
            raise SideTrouble("what it answers is no answer to what was sent")
        return replies
    if answer.status in _OF_THE_ENTRIES:
        if kind == "transaction":
            return exchange(client, entries, "batch", may_go_on)
        if answer.status in _TOO_MUCH and len(entries) > 1:
            half = len(entries) // 2
            return exchange(client, entries[:half], kind, may_go_on) + exchange(
                client, entries[half:], kind, may_go_on
            )
        if answer.status in _TOO_MUCH:
            return [EntryReply(answer.status, says=outcome_says(answer.body))]
    raise SideTrouble(trouble_says(answer.status), answer.retry_after)


def trouble_says(status: int) -> str:
    """What a status of the whole request means, in a sentence."""
    if status == 200:
        return "it answers 200, but not as a FHIR server does: check outside_record.fhir_url"
    return f"it answers {status}" + (f": {_MEANS[status]}" if status in _MEANS else "")
