"""An operation's review as one JSON document: what the terminal shows of it, for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from clinic.change.operations import Operation
    from clinic.record.database import Record
    from clinic.settings import Settings


def review_as_json(
    record: Record, settings: Settings, found: Operation, *, limit: int, page: int
) -> dict[str, Any]:
    """
    What is asked for, for whom, by name, and what follows; once it has begun neither checklist nor impact.

    limit, page: of the patients, and of the ids that select nobody
    """
    from cli.show.operation import note_operation
    from clinic.change.core.outcomes import DUPLICATE, SELECTED
    from clinic.change.core.states import BEFORE
    from clinic.change.kinds.table import notice_of, title_of
    from clinic.change.review.review import count_outcomes, counts_sentence, read_lines
    from clinic.change.review.wording import what_of
    from clinic.change.selection.given import given_counts, given_sentence, read_given

    skip = (page - 1) * limit
    with record.read() as connection:
        what = what_of(connection, found)
    left = read_given(record, found.selection_id, but=(SELECTED, DUPLICATE), limit=limit, skip=skip)
    lines = read_lines(record, found.id, limit=limit, skip=skip)
    waits = found.state in BEFORE
    before = _before(record, settings, found, limit=limit, skip=skip) if waits else _NOTHING
    lost = [each["own_id"] for each in before["left_out"]]
    note_operation(record, settings, found.id, [*(x.own_id for x in lines), *lost])
    return {
        "operation": asdict(found),
        "title": title_of(found.kind),
        "what": what,
        "counts": counts_sentence(record, found.id),
        "outcomes": [asdict(each) for each in count_outcomes(record, found.id)],
        "page": page,
        "limit": limit,
        "patients": [asdict(x) for x in lines],
        "ids": given_sentence(record, found.selection_id),
        "ids_by_outcome": {
            each.outcome: each.count for each in given_counts(record, found.selection_id, named=0)
        },
        "ids_not_found": [asdict(each) for each in left],
        "notice": notice_of(found.kind) or None,
        **before,
    }


_NOTHING: Final[dict[str, Any]] = {"impact": [], "left_out": [], "providers": [], "checklist": []}


def _before(
    record: Record, settings: Settings, found: Operation, *, limit: int, skip: int
) -> dict[str, Any]:
    """What follows and what is right, as things stand now."""
    from clinic.change.review.checklist import CAUTION, checklist
    from clinic.change.review.impact import impact_of
    from clinic.change.review.losses import read_losses
    from clinic.clock import SystemClock

    with record.read() as connection:
        impact = impact_of(connection, SystemClock(), settings, found)
        lost = read_losses(connection, settings, found, SystemClock().now(), limit=limit, skip=skip)
    return {
        "impact": [asdict(each) for each in impact.effects],
        "left_out": [asdict(each) for each in lost],
        "providers": [{**asdict(each), "over": each.over} for each in impact.loads],
        "checklist": [asdict(each) for each in checklist(record, settings, found.id)],
        "caution": CAUTION,
    }
