"""An operation's review as one JSON document: what the terminal shows of it, for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clinic.change.asking.review_of import OperationReview
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
    from cli.looks.noting import looked
    from clinic.change.asking.review_of import review_of
    from clinic.clock import SystemClock

    skip = (page - 1) * limit
    seen = review_of(record, SystemClock(), settings, found.id, limit=limit, skip=skip)
    looked(record, settings, seen.look)
    return {
        "operation": asdict(seen.operation),
        "title": seen.title,
        "what": seen.what,
        "counts": seen.counts,
        "outcomes": [asdict(each) for each in seen.outcomes],
        "page": page,
        "limit": limit,
        "patients": [asdict(x) for x in seen.lines],
        "ids": seen.ids,
        "ids_by_outcome": seen.ids_by_outcome,
        "ids_not_found": [asdict(each) for each in seen.ids_not_found],
        "notice": seen.notice or None,
        **_before(seen),
    }


def _before(seen: OperationReview) -> dict[str, Any]:
    """What follows and what is right, as things stand now."""
    from clinic.change.review.checklist import CAUTION

    impact = seen.impact
    found: dict[str, Any] = {
        "impact": [asdict(each) for each in impact.effects] if impact else [],
        "left_out": [asdict(each) for each in seen.left_out],
        "providers": [{**asdict(each), "over": each.over} for each in impact.loads]
        if impact
        else [],
        "checklist": [asdict(each) for each in seen.checks],
    }
    return found | ({"caution": CAUTION} if impact else {})
