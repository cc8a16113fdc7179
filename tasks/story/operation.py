"""The story of an operation on the record: how many were selected, would change or not and why, and did."""

from __future__ import annotations

from sqlalchemy import Connection

from clinic.change.core.outcomes import SAYS, SELECTED
from clinic.change.core.states import DONE
from clinic.change.kinds.table import title_of, words_of
from clinic.change.operations import find_operation
from clinic.change.review.approve import counts_of
from clinic.change.review.checklist import Check
from clinic.change.run.summary import Summary
from clinic.values.text import counted
from tasks.story.lines import Line, by_count, warning


def planned(connection: Connection, operation_id: int) -> list[Line]:
    """How many patients were selected, and why some are left out; its values stay in the record."""
    found = find_operation(connection, operation_id)
    left_out = _left_out(connection, operation_id)
    return [
        Line(
            f"Operation {operation_id}, {title_of(found.kind)}: {counted(found.selected, 'patient')} selected, "
            f"{found.will_change:,} {words_of(found.kind).will}, asked for by {found.requested_by}"
            f"{f'; left out: {by_count(left_out)}' if left_out else ''}."
        )
    ]


def checked(points: list[Check]) -> list[Line]:
    """The checklist: what holds in one line, what does not in one each."""
    lines = [Line(f"Checks that hold: {'; '.join(one.title for one in points if one.holds)}.")]
    return [*lines, *(warning(f"{one.code}: {one.says}") for one in points if one.holds is False)]


def ended(summary: Summary) -> list[Line]:
    """What became of every patient, and where more is said."""
    number = summary.operation_id
    counts = {
        words_of(summary.kind).done: summary.applied,
        "conflicts": summary.conflicts,
        "failed": summary.failed,
        "left out at the review": summary.left_out,
        "not done yet": summary.remaining,
    }
    line = f"Operation {number} is {summary.state}: {by_count(counts) or 'nobody was changed'}."
    next_one = Line(f"Next: cohort operations show {number}")
    return [Line(line) if summary.state == DONE else warning(line), next_one]


def _left_out(connection: Connection, operation_id: int) -> dict[str, int]:
    counts = counts_of(connection, find_operation(connection, operation_id))
    return {code: int(n) for code, n in counts.items() if code in SAYS and code != SELECTED}
