"""Follow-ups of operations and of recalls, ticked and unticked alike, whichever they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinic.change.review.follow_up import FollowUp, count_open, tick
from clinic.clock import Clock
from clinic.govern.people.operators import Operator
from clinic.message.recall.follow_ups import close, is_of_recall, open_by_owner
from clinic.record.database import Record


@dataclass(frozen=True)
class Ticked:
    """of_operations: as they are now; of_recalls: how many of recalls changed; left: how many are open."""

    of_operations: tuple[FollowUp, ...]
    of_recalls: int
    left: int


def set_done(
    record: Record, clock: Clock, numbers: Sequence[str], *, by: Operator, done: bool
) -> Ticked:
    """
    Note that follow-ups are done, or are not after all. Again: nothing. Who and when is on the trail.

    Args:
        numbers: "7.2" of an operation, "c7.12" of a recall, "c7": all of one

    Raises:
        NotFound: there is none of such a number
        NotAllowed: the role works with no patient's record, or it is of patients of other facilities
    """
    of_recalls = [number for number in numbers if is_of_recall(number)]
    ticked = tuple(
        tick(record, clock, number, by=by, done=done)
        for number in numbers
        if number not in of_recalls
    )
    closed = close(record, clock, of_recalls, by=by, done=done) if of_recalls else 0
    return Ticked(ticked, closed, count_open(record) + open_by_owner(record).total())
