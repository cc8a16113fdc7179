"""An operation on the record, as the terminal shows it: the review, its patients, its checklist."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cli import console
from cli.wiring import LocalTime

if TYPE_CHECKING:
    from clinic.change.operations import Operation
    from clinic.change.review import Line
    from clinic.record.database import Record
    from clinic.settings import Settings

_TICKS = {True: "ok", False: "NO", None: "N/A"}


def show_review(record: Record, settings: Settings, operation_id: int) -> None:
    """
    ALC-15, 28, 34, 46: the numbers, names and ids, who cannot and why, the checklist, the caution.

    Once it has begun the checklist has served: it would tell of the operation's own doing.
    """
    from clinic.change.checklist import CAUTION
    from clinic.change.kinds import notice_of
    from clinic.change.operations import get_operation
    from clinic.change.review import count_outcomes, read_lines
    from clinic.change.states import BEFORE

    found = get_operation(record, operation_id)
    show_operation(settings, found)
    rows = [(c.outcome, c.patients, c.says) for c in count_outcomes(record, operation_id)]
    console.show_table("Patients", ["Outcome", "Patients", "What it means"], rows, right=(1,))
    show_lines(read_lines(record, operation_id))
    if found.state in BEFORE:
        _show_checklist(record, settings, operation_id)
        console.say(f"[yellow]{CAUTION}[/]")
    if notice := notice_of(found.kind):
        console.say(f"[yellow]{notice}[/]")


def _show_checklist(record: Record, settings: Settings, operation_id: int) -> None:
    from clinic.change.checklist import checklist

    points = checklist(record, settings, operation_id)
    console.show_table(
        "Checklist", ["Point", "", ""], [(p.code, _TICKS[p.holds], p.says) for p in points]
    )


def show_operation(settings: Settings, found: Operation) -> None:
    """What was asked for, by whom, why, and how it stands."""
    from clinic.change.kinds import title_of

    at = LocalTime(settings).show
    rows = [
        ("State", found.state + (f" ({found.state_reason})" if found.state_reason else "")),
        ("What", json.dumps(dict(found.parameters))),
        ("Reason", found.reason),
        ("Asked by", f"{found.requested_by}, {at(found.requested_at)}"),
        ("Selected", found.selected),
        ("Will change", found.will_change),
        ("Undo of", found.undo_of),
        ("Rerun of", found.rerun_of),
        ("Begun", at(found.started_at)),
        ("Ended", at(found.finished_at)),
    ]
    console.show_table(
        f"Operation {found.id}: {title_of(found.kind)}",
        ["", ""],
        [row for row in rows if row[1] not in (None, "")],
    )


def show_lines(lines: Sequence[Line]) -> None:
    """Patients by name, with old and new value."""
    console.show_table(
        f"The first {len(lines)}",
        ["Id", "Name", "Field", "Old", "New", "Outcome", "What it means"],
        [(x.own_id, x.name, x.field, x.old, x.new, x.outcome, x.says) for x in lines],
    )


def show_state(record: Record, settings: Settings, operation_id: int) -> None:
    """How far it is (ALC-35), the file it exported, and what people must still do (ALC-23)."""
    from clinic.change.follow_up import SAYS
    from clinic.change.kinds import words_of
    from clinic.change.review import list_tasks
    from clinic.change.summary import summarize

    now = summarize(record, operation_id)
    console.show_table(
        "Progress",
        [words_of(now.kind).done.capitalize(), "Conflicts", "Failed", "Remaining", "Left out"],
        [(now.applied, now.conflicts, now.failed, now.remaining, now.left_out)],
        right=(0, 1, 2, 3, 4),
    )
    _show_file(record, settings, operation_id)
    if tasks := list_tasks(record, operation_id):
        console.show_table(
            "Still to be done",
            ["What", "For", "Number"],
            [(SAYS[task.code], task.subject, task.count) for task in tasks],
            right=(2,),
        )


def _show_file(record: Record, settings: Settings, operation_id: int) -> None:
    from clinic.change.export import folder_of
    from clinic.change.exported import find_file

    file = find_file(record, operation_id)
    if file is not None:
        rows = [(folder_of(settings) / file.name, file.rows, file.size, file.sha256)]
        console.show_table("File", ["Where", "Rows", "Bytes", "SHA-256"], rows, right=(1, 2))
