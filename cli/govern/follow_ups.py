"""`cohort follow-ups`: what people must still do after operations and recalls; list, tick, untick, give."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.looks.noting import looked
from cli.looks.theirs import theirs
from cli.options import Json
from cli.proof import Me, SecretFd, anchor_of, prove_me
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.change.review.follow_up import FollowUp
    from clinic.message.recall.follow_ups import RecallFollowUp

app = typer.Typer(
    rich_markup_mode="rich",
    help="""
    What people must still do after operations and recalls. Without a command: what is open.

    A recall's follow-up, c7.12, is a patient (row 12 of campaign 7) who was not reached, or did not answer.
    c7 is all of campaign 7's.

    [bold]Examples[/]

      cohort follow-ups --team scheduling

      cohort follow-ups tick 7.2

      cohort follow-ups give c7.12 c7.15 --to ann
    """,
)
Numbers = Annotated[
    list[str], typer.Argument(metavar="FOLLOW-UP…", help="Their numbers, such as 7.2 or c7.12.")
]


@app.callback(invoke_without_command=True)
def list_all(
    context: typer.Context,
    team: Annotated[
        str, typer.Option(help="Of this team (managers, reception, scheduling) or operator.")
    ] = "",
    operation: Annotated[
        int | None, typer.Option(metavar="OPERATION", help="Of this operation.")
    ] = None,
    campaign: Annotated[
        int | None, typer.Option(metavar="CAMPAIGN", help="Of this recall's campaign.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="What is done as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Most patients of recalls shown.")] = 100,
    json: Json = False,
) -> None:
    """What is open, the oldest first; of recalls the earliest date first."""
    if context.invoked_subcommand is not None:
        return
    from clinic.change.review.follow_up import list_follow_ups
    from clinic.govern.access.look import at_some, known_as
    from clinic.govern.people.teams import TEAMS, asked_owner
    from clinic.govern.tied import kept_ids
    from clinic.message.recall.follow_ups import list_recall_follow_ups

    settings = get_settings()
    found: list[FollowUp] = []
    missed: list[RecallFollowUp] = []
    with open_record(settings) as record:
        if team := team.strip():
            with record.read() as connection:
                team = asked_owner(connection, team)
        if operation is None:
            missed = list_recall_follow_ups(
                record, owner=team, campaign_id=campaign, closed=every,
                limit=None if json else limit + 1,
            )  # fmt: skip
        missed = theirs(record, settings, missed, lambda each: each.patient, kept_ids)
        if campaign is None and team in ("", *TEAMS):
            found = list_follow_ups(record, team=team, operation_id=operation, closed=every)
        with record.read() as connection:
            keys = known_as(connection, [each.patient for each in missed])
        looked(record, settings, at_some("follow-ups", keys))
    both: list[FollowUp | RecallFollowUp] = [*found, *missed]
    if json:
        return console.show_json([asdict(each) for each in both])
    _show(found, missed[:limit], LocalTime(settings))
    if len(missed) > limit:
        console.say(f"More patients of recalls than {limit:,}: --limit N shows more.")
    first = next((x.number for x in both if x.done_at is None), None)
    if first is not None:
        console.next_commands(f"cohort follow-ups tick {first}")
    return None


def _show(found: list[FollowUp], missed: list[RecallFollowUp], time: LocalTime) -> None:
    def done(each: FollowUp | RecallFollowUp) -> str:
        return f"{each.done_by}, {time.show(each.done_at)}" if each.done_at else ""

    def since(each: RecallFollowUp) -> str:
        return f"{each.news}, {time.show(each.news_at)}" if each.news else ""

    if found or not missed:
        console.show_table(
            "Still to be done",
            ["No", "Team", "What", "For", "Number", "Done"],
            [(x.number, x.team, x.says, x.subject, x.count, done(x)) for x in found],
            right=(4,),
        )
    if missed:
        console.show_table(
            "Patients whom recalls did not reach",
            ["No", "Team", "By", "Patient", "Why", "What to do", "Since then", "Done"],
            [
                (
                    x.number,
                    x.team,
                    f"{x.due_on:%-d %b %Y}",
                    x.patient,
                    x.code,
                    x.says,
                    since(x),
                    done(x),
                )
                for x in missed
            ],
        )


@app.command()
def tick(follow_ups: Numbers, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Mark them as done. Who did and when is in the audit trail."""
    _set(follow_ups, me, secret_fd, done=True)


@app.command()
def untick(follow_ups: Numbers, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Mark them as not done."""
    _set(follow_ups, me, secret_fd, done=False)


@app.command()
def give(
    follow_ups: Numbers,
    to: Annotated[str, typer.Option(help="A team (managers, reception, scheduling) or operator.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Give follow-ups of recalls to another team or operator."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.message.recall.follow_ups import give as hand_on

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd)
        count = hand_on(record, SystemClock(), follow_ups, to=to, by=person)
        write_anchor(record, anchor_of(settings))
    console.say(f"{count:,} follow-ups are given to {to.strip().lower()}.")
    console.next_commands("cohort follow-ups")


def _set(numbers: list[str], me: str, secret_fd: int | None, *, done: bool) -> None:
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.message.recall.follow_ups import is_of_recall
    from tasks.asking.follow_ups import set_done

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd)
        ticked = set_done(record, SystemClock(), numbers, by=person, done=done)
        write_anchor(record, anchor_of(settings))
    for found in ticked.of_operations:
        how = f"done by {found.done_by}" if found.done_at else "open again"
        console.say(f"Follow-up {found.number} is {how}.")
    if any(is_of_recall(number) for number in numbers):
        how = f"done by {person.name}" if done else "open again"
        console.say(f"{ticked.of_recalls:,} follow-ups of recalls are {how}.")
    console.say(f"{ticked.left:,} are open.")
    if ticked.left:
        console.next_commands("cohort follow-ups")
