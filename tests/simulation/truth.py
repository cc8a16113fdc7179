"""
What is true of patients and messages, kept beside the record so that the record is not its own judge.

The rule of receipts (docs/gateways.md), said again in a few lines that share nothing with settle.py:
delivered wins; else the first failure that a network named; else, where all that is known is that it
left, 72 hours of silence are a failure; else what two people said; else nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from clinic.gateway.received import Receipt

# What networks say → the code that we keep. Typed in by hand from the table in formats.md
REASONS = {
    "Absent Subscriber": "absent_subscriber", "memory_full": "no_memory", "UNDELIV": "delivery_failure",
    "expired": "expired", "unidentified-subscriber": "unknown_subscriber", "REJECTD": "rejected_by_operator",
    "do not disturb": "blacklisted", "": "delivery_failure", "solar flare": "solar_flare",
}  # fmt: skip
SILENCE = ("undelivered", "no_receipt")
NOBODY_KNOWS = ("unknown", "no_answer")
SETTLED = {"sent": ("accepted", "settled_sent"), "not_sent": ("rejected", "settled_not_sent")}
NOT_SENT = {"rejected", "unknown", "suppressed", "cancelled", "expired", "exhausted"}
# The states of a message that was tried, from the least proven up, and what its clinical item says then
ITEM = {
    "unknown": "pending", "rejected": "failed", "accepted": "pending", "undelivered": "failed",
    "delivered": "sent",
}  # fmt: skip

Fate = tuple[str, str | None]  # a state and its reason


@dataclass
class Truth:
    """
    Who has died and who does not want texts now; how often one may be messaged; what came of messages.

    arrived: messages that the gateway took; said: what it told us of them, in order, each event once;
    settled: what two people said of them; unmatched, ignored: receipts that should change nothing
    """

    cap: int
    cap_period: timedelta
    dead: set[int] = field(default_factory=set)
    opted_out: set[int] = field(default_factory=set)
    arrived: set[int] = field(default_factory=set)
    said: dict[int, list[Fate]] = field(default_factory=dict)
    events: set[str] = field(default_factory=set)
    settled: dict[int, str] = field(default_factory=dict)
    unmatched: int = 0
    ignored: int = 0

    def hear(self, receipts: Iterable[Receipt]) -> None:
        """These were taken in: from now on they count."""
        for one in receipts:
            if one.event_id in self.events:
                continue
            self.events.add(one.event_id)
            if one.gateway != "fake" or one.reference is None:
                self.unmatched += 1
            elif one.reference in self.arrived:
                reason = REASONS[one.reason or ""] if one.outcome == "undelivered" else None
                self.said.setdefault(one.reference, []).append((one.outcome, reason))
            else:
                self.ignored += 1

    def is_possible(self, reference: int, state: str, reason: str | None) -> bool:
        """Whether a message may have ended so."""
        if reference not in self.arrived and reference not in self.settled:
            return state in NOT_SENT
        return (state, reason) in self.ends(reference)

    def ends(self, reference: int) -> set[Fate]:
        """How a message may end that arrived, or of which two people spoke."""
        said = self.said.get(reference, [])
        if ("delivered", None) in said:
            return {("delivered", None)}
        if failures := [fate for fate in said if fate[0] == "undelivered"]:
            return {failures[0]}
        people = {SETTLED[self.settled[reference]]} if reference in self.settled else set()
        if said:  # it left: more than "sent" nobody can say of it
            return {SILENCE} | people & {SETTLED["sent"]}
        return people or {SILENCE, NOBODY_KNOWS}
