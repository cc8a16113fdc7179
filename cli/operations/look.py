"""`cohort operations list|show|visits`: what was asked for, how it stands, what is still to be done."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.looks.noting import looked
from cli.operations.options import Limit, Number, Page, Selection
from cli.options import Json
from cli.wiring import LocalTime, get_settings, open_record


def list_all(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 50, json: Json = False
) -> None:
    """Operations, the newest first."""
    from cli.show.notices import show_untold, untold_now
    from clinic.change.operations import list_operations
    from clinic.change.review.follow_up import count_open

    settings = get_settings()
    with open_record(settings) as record:
        found = list_operations(record, limit)
        still = count_open(record)
        untold = untold_now(record)
    if json:
        return console.show_json([asdict(each) for each in found])
    at = LocalTime(settings).show
    console.show_table(
        "Operations",
        ["No", "Kind", "State", "Selected", "Will change", "Requested by", "On", "Reason"],
        [
            (o.id, o.kind, o.state, o.selected, o.will_change, o.requested_by, at(o.requested_at), o.reason)
            for o in found
        ],
        right=(0, 3, 4),
    )  # fmt: skip
    if still:
        console.say(f"{still:,} follow-ups are open.")
        console.next_commands("cohort follow-ups")
    show_untold(untold)
    return None


def show(
    operation: Number,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Only patients with this outcome; repeatable.")
    ] = None,
    ids: Annotated[
        bool, typer.Option("--ids", help="What became of each id that was given.")
    ] = False,
    not_found: Annotated[
        bool,
        typer.Option("--not-found", help="Of the ids given, those that select nobody, and why."),
    ] = False,
    limit: Limit = 20,
    page: Page = 1,
    json: Json = False,
) -> None:
    """One operation: the review, its patients by name, its progress, what is still to be done."""
    from cli.show.given import show_given
    from cli.show.notices import notices_now
    from cli.show.operation import note_operation, show_lines, show_review, show_state
    from cli.show.operation_json import review_as_json
    from clinic.change.core.outcomes import DUPLICATE, SELECTED
    from clinic.change.operations import get_operation
    from clinic.change.review.next_steps import next_steps
    from clinic.change.review.review import list_tasks, read_lines
    from clinic.change.run.summary import summarize

    settings = get_settings()
    with open_record(settings) as record:
        if ids or not_found:
            key = get_operation(record, operation).selection_id
            but = (SELECTED, DUPLICATE) if not_found else ()
            return show_given(record, settings, key, but=but, limit=limit, page=page, json=json)
        if json:
            found = get_operation(record, operation)
            return console.show_json(
                {
                    **review_as_json(record, settings, found, limit=limit, page=page),
                    "summary": asdict(summarize(record, operation)),
                    "follow_ups": [asdict(task) for task in list_tasks(record, operation)],
                    "notices": [asdict(each) for each in notices_now(record, operation)],
                }
            )
        if outcome:
            skip = (page - 1) * limit
            lines = read_lines(record, operation, outcomes=outcome, limit=limit, skip=skip)
            note_operation(record, settings, operation, [x.own_id for x in lines])
            return show_lines(lines, skip=skip)
        show_review(record, settings, operation, limit=limit, page=page)
        show_state(record, settings, operation)
        console.next_commands(*next_steps(record, get_operation(record, operation)))
    return None


def selection(
    number: Selection,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Only rows with this outcome; repeatable.")
    ] = None,
    not_selected: Annotated[
        bool, typer.Option("--not-selected", help="Only rows that select nobody, and why.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="All of them into a CSV that only you can read."),
    ] = None,
    limit: Limit = 20,
    page: Page = 1,
    json: Json = False,
) -> None:
    """One selection, row by row: what was given, what became of it, and whom it means."""
    from cli.show.given import show_given
    from clinic.change.core.outcomes import SELECTED
    from clinic.change.selection.given import count_selected, write_given
    from clinic.govern.access.look import at_all

    but = (SELECTED,) if not_selected else ()
    settings = get_settings()
    with open_record(settings) as record:
        if csv is None:
            return show_given(
                record,
                settings,
                number,
                outcomes=outcome or (),
                but=but,
                limit=limit,
                page=page,
                json=json,
            )
        patients = count_selected(record, number) if SELECTED in (outcome or [SELECTED]) else 0
        patients = 0 if not_selected else patients
        looked(record, settings, at_all("selection", number, patients))
        count = write_given(record, number, csv, outcomes=outcome or (), but=but)
    return console.say(f"{count:,} rows written to {csv}, for you alone to read")


def visits(operation: Number) -> None:
    """The visits that a reassignment cancelled, to be rebooked."""
    from cli.show.operation import note_operation
    from clinic.change.review.review import visits_to_book

    settings = get_settings()
    with open_record(settings) as record:
        found = visits_to_book(record, operation)
        note_operation(record, settings, operation, [own_id for own_id, *_ in found])
    at = LocalTime(settings).show
    rows = [(own_id, at(when), kind) for own_id, when, kind in found]
    console.show_table("To be rebooked", ["Patient", "Was on", "Visit"], rows)
