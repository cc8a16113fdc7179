"""`cohort follow-ups`: what people must still do after operations; list, tick, untick."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, anchor_of, prove_me
from cli.wiring import LocalTime, get_settings, open_record

app = typer.Typer(
    rich_markup_mode="rich",
    help="""
    What people must still do after operations. Without a command: what is open.

    [bold]Examples[/]

      cohort follow-ups --team scheduling

      cohort follow-ups tick 7.2
    """,
)
Number = Annotated[str, typer.Argument(metavar="FOLLOW-UP", help="Its number, such as 7.2.")]


@app.callback(invoke_without_command=True)
def list_all(
    context: typer.Context,
    team: Annotated[str, typer.Option(help="Of this team: managers, reception, scheduling.")] = "",
    operation: Annotated[
        int | None, typer.Option(metavar="OPERATION", help="Of this operation.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="What is done as well.")] = False,
    json: Json = False,
) -> None:
    """What is open, the oldest first."""
    if context.invoked_subcommand is not None:
        return
    from clinic.change.review.follow_up import list_follow_ups

    settings = get_settings()
    with open_record(settings) as record:
        found = list_follow_ups(record, team=team, operation_id=operation, closed=every)
    if json:
        return console.show_json([asdict(each) for each in found])
    at = LocalTime(settings).show
    console.show_table(
        "Still to be done",
        ["No", "Team", "What", "For", "Number", "Done"],
        [
            (x.number, x.team, x.says, x.subject, x.count,
             f"{x.done_by}, {at(x.done_at)}" if x.done_at else "")
            for x in found
        ],
        right=(4,),
    )  # fmt: skip
    if first := next((x for x in found if x.done_at is None), None):
        console.next_commands(f"cohort follow-ups tick {first.number}")
    return None


@app.command()
def tick(follow_up: Number, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Mark it as done. Who did and when is in the audit trail."""
    _set(follow_up, me, secret_fd, done=True)


@app.command()
def untick(follow_up: Number, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Mark it as not done."""
    _set(follow_up, me, secret_fd, done=False)


def _set(number: str, me: str, secret_fd: int | None, *, done: bool) -> None:
    from clinic.change.review.follow_up import count_open
    from clinic.change.review.follow_up import tick as note
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd)
        found = note(record, SystemClock(), number, by=person, done=done)
        write_anchor(record, anchor_of(settings))
        left = count_open(record)
    how = f"done by {found.done_by}" if found.done_at else "open again"
    console.say(f"Follow-up {found.number} is {how}. {left:,} are open.")
    if left:
        console.next_commands("cohort follow-ups")
