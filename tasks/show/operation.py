"""
What people see of an operation in the Prefect UI: its checklist, whom it waits for, progress, result.

Counts, codes and our own sentences only: artifacts are copied into Prefect's events.
"""

from __future__ import annotations

from typing import Final

from clinic.change.core.outcomes import SAYS, SELECTED
from clinic.change.kinds.table import notice_of, title_of, words_of
from clinic.change.operations import find_operation
from clinic.change.review.approve import counts_of
from clinic.change.review.checklist import CAUTION, Check, checklist
from clinic.change.run.summary import Summary, summarize
from clinic.govern.approvals.approvals import latest
from tasks.show.artifacts import create_table_artifact
from tasks.show.progress import Bars, Seen
from tasks.show.waiting import show_waiting as show_waiting_for
from tasks.wiring import wiring

_TICKS = {True: "✓", False: "✗", None: "N/A"}


def show_checklist(operation_id: int) -> list[Check]:
    """ALC-34: every point, as the database answers it now."""
    parts = wiring()
    points = list(checklist(parts.record, parts.settings, operation_id))
    create_table_artifact(
        key=f"checklist-{operation_id}",
        table=[
            {"check": point.code, "": _TICKS[point.holds], "what it says": point.says}
            for point in points
        ],
        description=f"Checklist of operation {operation_id}",
    )
    return points


def show_waiting(operation_id: int) -> None:
    """What waits, for whom, and the command that decides it."""
    with wiring().record.read() as connection:
        found = find_operation(connection, operation_id)
        asked = latest(connection, subject="operation", subject_id=operation_id)
    if asked is not None:
        show_waiting_for(
            asked, key=f"approval-{operation_id}",
            title=f"{title_of(found.kind)}: operation {operation_id}",
            look=f"cohort operations show {operation_id}",
            notes=[CAUTION, notice_of(found.kind)],
        )  # fmt: skip


def start_progress(operation_id: int) -> None:
    """ALC-35: a bar that fills while chunks are applied."""
    _BARS.start(operation_id)


def update_progress(operation_id: int) -> None:
    """Move the bar to where the operation's chunks are."""
    _BARS.move(operation_id)


def _look(operation_id: int, _: int) -> Seen:
    now = summarize(wiring().record, operation_id)
    return Seen(
        now.processed,
        now.will_change,
        f"Operation {operation_id}: {now.processed:,} processed, {now.remaining:,} remaining, "
        f"{now.conflicts + now.failed:,} errors",
    )


_BARS: Final = Bars("operation", _look)


def show_result(summary: Summary) -> None:
    """What became of every patient, in counts."""
    _BARS.leave(summary.operation_id)
    record = wiring().record
    with record.read() as connection:
        counts = counts_of(connection, find_operation(connection, summary.operation_id))
    done = words_of(summary.kind).done
    rows = [
        {"outcome": done, "patients": summary.applied, "what it means": f"{done.capitalize()}."}
    ]
    rows += [
        {"outcome": code, "patients": int(count), "what it means": SAYS[code]}
        for code, count in counts.items()
        if code in SAYS and code != SELECTED
    ]
    create_table_artifact(
        key=f"result-{summary.operation_id}",
        table=rows,
        description=f"Operation {summary.operation_id} is {summary.state}",
    )
