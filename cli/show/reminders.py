"""How a list of reminders looks before it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from rich import box
from rich.markup import escape
from rich.table import Table

from cli import console
from cli.show.review import (
    BACKGROUND,
    OUTBOX,
    judged,
    not_accepted,
    show_credit,
    show_lines,
    show_missing,
    show_previews,
    show_said,
    show_time,
    show_warnings,
    show_whom_it_lacks,
)
from cli.wiring import LocalTime
from clinic.gateway.credit import Credit
from clinic.message.prepare.review import Preview, Review
from clinic.message.reminders.reminder_list import Given, ReminderRow
from clinic.message.timing.estimate import Estimate

_HEADINGS = ("Row", "Patient", "Number", "Visit", "Message")


@dataclass(frozen=True)
class Look:
    """A list that is looked at. `rows`: as many of its messages as are shown; `seen`: what it is known by."""

    review: Review
    given: Given
    seen: str
    example: list[Preview]
    rows: list[ReminderRow]
    time: Estimate
    credit: Credit | None = None


def show_look(look: Look, time: LocalTime) -> None:
    """How many, who not and why, what it costs, when it is sent, and one message as it will be."""
    review = look.review
    what = "Dry run" if review.dry_run else "To be sent"
    console.say(f"\n[bold]{what}[/]: {escape(review.list_name)}")
    show_lines(_lines(look))
    if not review.accepted:
        return
    if review.outbox:
        console.say(f"  [yellow]{OUTBOX}[/]")
    elif not review.dry_run:
        show_time(look.time, time)
        for says in review.way:
            console.say(f"  [yellow]{escape(says)}[/]")
        show_credit(look.credit)
        console.say(BACKGROUND)
    show_said(review.said)
    if look.example:
        show_missing(review)
    show_previews(look.example)
    show_warnings(review)


def _lines(look: Look) -> Iterator[tuple[str, str]]:
    yield f"{look.review.rows:,}", "appointments to remind of"
    if look.given.left:
        yield f"{look.given.left:,}", "[dim]more are reminded of already[/]"
    yield from _of_others(look.given)
    yield from judged(look.review)


def _of_others(given: Given) -> Iterator[tuple[str, str]]:
    if given.not_left:
        yield (
            f"{given.not_left:,}",
            "[dim]belong to another campaign and were not sent: it waits or was stopped; cohort campaigns[/]",
        )


def show_nothing(look: Look) -> None:
    """That there is nobody to remind, and whether that is because they were reminded."""
    given = look.given
    if given.not_left:
        console.say(f"Nobody is left to remind now; reminded already: {given.left:,} appointments.")
    elif given.left:
        who = "Everybody who can be" if look.review.rows else "Everybody"
        console.say(f"{who} is reminded already: {given.left:,} appointments.")
    else:
        console.say("There is no appointment to remind of.")
    show_whom_it_lacks(look.review)
    show_lines(_of_others(given))
    show_lines(not_accepted(look.review))


def show_list(look: Look, time: LocalTime, *, result: bool) -> None:
    """
    Each message with its patient, number and visit; no more than were asked for.

    result: it is what was asked for, and a pipe gets it; else it is for a screen alone, since the remarks
    of an unattended command end in a log
    """
    screen = console.out() if result else console.err()
    if screen.is_terminal:
        screen.print(_table(look.rows, time))
    elif result:
        console.show_table("Messages", _HEADINGS, [_cells(row, time) for row in look.rows])
    else:
        return
    if more := look.review.accepted - len(look.rows):
        console.say(f"… and {more:,} more; --all")


def _table(rows: list[ReminderRow], time: LocalTime) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    table.add_column("Row", justify="right", no_wrap=True)
    table.add_column("Patient", overflow="fold", max_width=18)
    table.add_column("Number", no_wrap=True)
    table.add_column("Visit", no_wrap=True)
    table.add_column("Message", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        table.add_row(*(escape(cell) for cell in _cells(row, time)))
    return table


def _cells(row: ReminderRow, time: LocalTime) -> tuple[str, ...]:
    visit = f"{row.starts_at.astimezone(time.zone):%-d %b %H:%M}"
    first_line = row.body.strip().split("\n", 1)[0]
    return (str(row.row_number), row.patient, row.address, visit, first_line)


def show_json(look: Look) -> None:
    """For scripts: the counts, and the messages that are shown."""
    review = look.review
    console.show_json(
        {
            "seen": look.seen,
            "appointments": review.rows,
            "accepted": review.accepted,
            "not_accepted": review.not_accepted,
            "reminded_already": look.given.left,
            "of_another_campaign": look.given.not_left,
            "segments": review.letters.segments,
            "cost": review.cost,
            "messages": [asdict(row) for row in look.rows],
        }
    )
