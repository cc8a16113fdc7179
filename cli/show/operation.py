"""An operation on the record, as the terminal shows it: the review, its patients, its checklist."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli import console
from cli.looks.noting import looked
from cli.show.notices import show_notices
from cli.wiring import LocalTime

if TYPE_CHECKING:
    from clinic.change.asking.review_of import OperationReview
    from clinic.change.operations import Operation
    from clinic.change.review.checklist import Check
    from clinic.change.review.impact import Impact
    from clinic.change.review.losses import Loss
    from clinic.change.review.review import Line
    from clinic.record.database import Record
    from clinic.settings import Settings

_TICKS = {True: "✓", False: "✗", None: "N/A"}


def show_review(
    record: Record, settings: Settings, operation_id: int, *, limit: int = 20, page: int = 1
) -> OperationReview:
    """
    ALC-15, 28, 34, 46: what, the numbers, names and ids, what follows, the checklist, the caution.

    Once it has begun the checklist has served: it would tell of the operation's own doing.
    """
    from clinic.change.asking.review_of import review_of
    from clinic.change.review.checklist import CAUTION
    from clinic.clock import SystemClock

    skip = (page - 1) * limit
    seen = review_of(record, SystemClock(), settings, operation_id, limit=limit, skip=skip)
    looked(record, settings, seen.look)
    _show_operation(record, settings, seen)
    rows = [(c.outcome, c.patients, c.says) for c in seen.outcomes]
    console.show_table("Patients", ["Outcome", "Patients", "What it means"], rows, right=(1,))
    show_lines(seen.lines, skip=skip)
    if seen.impact is not None:
        _show_impact(seen.impact)
        _show_losses(settings, seen.operation, seen.left_out, skip=skip)
        _show_checklist(seen.checks)
        console.say(f"[yellow]{CAUTION}[/]")
    if seen.notice:
        console.say(f"[yellow]{seen.notice}[/]")
    return seen


def show_impact(record: Record, settings: Settings, found: Operation) -> None:
    """What follows for visits, people and providers, counted now."""
    from clinic.change.review.impact import impact_of
    from clinic.clock import SystemClock

    with record.read() as connection:
        _show_impact(impact_of(connection, SystemClock(), settings, found))


def _show_impact(impact: Impact) -> None:
    rows = [(each.count, each.says) for each in impact.effects]
    console.show_table("What follows", ["Number", "Of what"], rows, right=(0,))
    if impact.loads:
        console.show_table(
            "Providers",
            ["Provider", "Gets", "Loses", "Has then", "Capacity", "Too many"],
            [
                (x.provider, x.gets, x.loses, x.has_then, x.capacity, x.over or None)
                for x in impact.loads
            ],
            right=(1, 2, 3, 4, 5),
        )


def note_operation(
    record: Record, settings: Settings, operation_id: int, shown: Sequence[str | None]
) -> None:
    """Log that these patients of an operation will be shown."""
    from clinic.govern.access.look import at_some, known_as

    with record.read() as connection:
        keys = known_as(connection, shown)
    looked(record, settings, at_some("operation", keys, operation_id))


def _show_losses(settings: Settings, found: Operation, lost: Sequence[Loss], *, skip: int) -> None:
    """Who that is, and of what."""
    if not lost:
        return
    at = LocalTime(settings).show
    why = f"{found.parameters['to']}: {found.reason}"
    console.show_table(
        f"Left out from then on ({why}): {skip + 1:,} to {skip + len(lost):,}, who loses most first",
        ["Id", "Name", "Visits booked", "The first", "Messages queued", "Recalls", "Groups"],
        [
            (x.own_id, x.name, x.visits, at(x.next_visit), x.queued, x.recalls, x.groups)
            for x in lost
        ],
        right=(2, 4, 5, 6),
    )


def _show_checklist(points: Sequence[Check]) -> None:
    console.show_table(
        "Checklist", ["What is right", "", ""], [(p.title, _TICKS[p.holds], p.says) for p in points]
    )


def _show_operation(record: Record, settings: Settings, seen: OperationReview) -> None:
    """What was asked for, by whom, why, who decided, and how it stands."""
    from clinic.govern.approvals.approvals import latest

    found, at = seen.operation, LocalTime(settings).show
    with record.read() as connection:
        asked = latest(connection, subject="operation", subject_id=found.id)
    decided = asked if asked is not None and asked.decided_by else None
    rows = [
        ("State", found.state + _why(found)),
        ("What", seen.what),
        ("Patients", seen.counts),
        ("Ids", seen.ids),
        ("Reason", found.reason),
        ("Requested by", f"{found.requested_by}, {at(found.requested_at)}"),
        (
            "Rejected by" if decided and decided.state == "rejected" else "Approved by",
            f"{decided.decided_by}, {at(decided.decided_at)}" if decided else None,
        ),
        ("Note", decided.note if decided else None),
        ("Approval", asked.id if asked else None),
        ("Undo of", found.undo_of),
        ("Rerun of", found.rerun_of),
        ("Begun", at(found.started_at)),
        ("Ended", at(found.finished_at)),
    ]
    console.show_table(
        f"Operation {found.id}: {seen.title}",
        ["", ""],
        [row for row in rows if row[1] not in (None, "")],
    )


def _why(found: Operation) -> str:
    """The reason of a state, where it says more than the state itself."""
    reason = found.state_reason
    return f" ({reason})" if reason and reason != found.state else ""


def show_lines(lines: Sequence[Line], *, skip: int = 0) -> None:
    """Patients by name, with old and new value."""
    title = f"{skip + 1:,} to {skip + len(lines):,}" if lines else "No more"
    console.show_table(
        title,
        ["Id", "Name", "Field", "Old", "New", "Outcome", "What it means"],
        [(x.own_id, x.name, x.field, x.old, x.new, x.outcome, x.says) for x in lines],
    )


def show_state(record: Record, settings: Settings, operation_id: int) -> None:
    """How far it is (ALC-35), the file it exported, and what people must still do (ALC-23)."""
    from clinic.change.kinds.table import words_of
    from clinic.change.review.follow_up import list_follow_ups
    from clinic.change.run.summary import summarize

    now = summarize(record, operation_id)
    console.show_table(
        "Progress",
        [words_of(now.kind).done.capitalize(), "Conflicts", "Failed", "Remaining", "Left out"],
        [(now.applied, now.conflicts, now.failed, now.remaining, now.left_out)],
        right=(0, 1, 2, 3, 4),
    )
    _show_file(record, settings, operation_id)
    show_notices(record, settings, operation_id)
    if tasks := list_follow_ups(record, operation_id=operation_id, closed=True):
        console.show_table(
            "Follow-ups",
            ["No", "What", "For", "Number", "Done by"],
            [(x.number, x.says, x.subject, x.count, x.done_by) for x in tasks],
            right=(3,),
        )


def _show_file(record: Record, settings: Settings, operation_id: int) -> None:
    from clinic.change.export.export import folder_of
    from clinic.change.exported import find_file

    file = find_file(record, operation_id)
    if file is not None:
        rows = [(folder_of(settings) / file.name, file.rows, file.size, file.sha256)]
        console.show_table("File", ["Where", "Rows", "Bytes", "SHA-256"], rows, right=(1, 2))
