"""
Everything that people look at before they ask for an operation or approve it (ALC-15, 28, 34, 46).

Holds patients' names and values: whoever shows it logs the look first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinic.change.core.outcomes import DUPLICATE, SELECTED
from clinic.change.core.states import BEFORE
from clinic.change.export.asked_before import written_before
from clinic.change.kinds.table import notice_of, title_of
from clinic.change.operations import Operation, get_operation
from clinic.change.review.checklist import Check, checklist
from clinic.change.review.impact import Impact, impact_of
from clinic.change.review.losses import Loss, read_losses
from clinic.change.review.review import (
    Counted,
    Line,
    count_outcomes,
    counts_sentence,
    read_lines,
)
from clinic.change.review.wording import what_of
from clinic.change.selection.given import GivenRow, given_counts, given_sentence, read_given
from clinic.clock import Clock
from clinic.govern.access.look import Look, at_some, known_as
from clinic.record.database import Record
from clinic.settings import Settings


@dataclass(frozen=True)
class OperationReview:
    """
    An operation as it is decided over. Once it has begun there is no impact, no checklist and nobody left out:
    they would tell of its own doing.

    what: its parameters in words; counts: patients in one sentence
    outcomes: patients by outcome; lines: some of them by name, with old and new value
    ids: what became of the ids that were given; ids_by_outcome, ids_not_found: the same, counted and by row
    left_out: who gets nothing that is sent from then on
    notice: what everybody must know of its kind; written_before: that the same was exported lately; else ""
    look: the patients whom this shows
    """

    operation: Operation
    title: str
    what: str
    counts: str
    outcomes: Sequence[Counted]
    lines: Sequence[Line]
    ids: str | None
    ids_by_outcome: dict[str, int]
    ids_not_found: Sequence[GivenRow]
    left_out: Sequence[Loss]
    impact: Impact | None
    checks: Sequence[Check]
    notice: str
    written_before: str
    look: Look


def review_of(
    record: Record,
    clock: Clock,
    settings: Settings,
    operation_id: int,
    *,
    limit: int = 20,
    skip: int = 0,
) -> OperationReview:
    """
    Read all of it.

    limit, skip: of the patients, of those left out, and of the ids that select nobody

    Raises:
        NotFound: there is no such operation
    """
    found = get_operation(record, operation_id)
    waits, now = found.state in BEFORE, clock.now()
    lines = read_lines(record, operation_id, limit=limit, skip=skip)
    with record.read() as connection:
        what = what_of(connection, found)
        impact = impact_of(connection, clock, settings, found) if waits else None
        lost = (
            read_losses(connection, settings, found, now, limit=limit, skip=skip) if waits else ()
        )
        keys = known_as(connection, [*(x.own_id for x in lines), *(x.own_id for x in lost)])
    return OperationReview(
        operation=found,
        title=title_of(found.kind),
        what=what,
        counts=counts_sentence(record, operation_id),
        outcomes=count_outcomes(record, operation_id),
        lines=lines,
        ids=given_sentence(record, found.selection_id),
        ids_by_outcome={
            each.outcome: each.count for each in given_counts(record, found.selection_id, named=0)
        },
        ids_not_found=list(
            read_given(
                record, found.selection_id, but=(SELECTED, DUPLICATE), limit=limit, skip=skip
            )
        ),
        left_out=lost,
        impact=impact,
        checks=checklist(record, settings, operation_id) if waits else (),
        notice=notice_of(found.kind),
        written_before=written_before(record, operation_id, now),
        look=at_some("operation", keys, operation_id),
    )
