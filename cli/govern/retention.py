"""`cohort retention`: what is due, what is held, what went; and the decision over records (NEW-39)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Literal

import typer

from cli import console
from cli.options import Json, Newest
from cli.proof import Me, SecretFd, prove_me, who_acts
from cli.wiring import LocalTime, get_settings, open_record

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", add_completion=False)


@app.callback()
def retention() -> None:
    """How long data is kept: what is due, what a legal hold keeps, what went."""


@app.command()
def plan(
    days: Annotated[int, typer.Option("--in", min=0, help="So many days from now.")] = 0,
    json: Json = False,
) -> None:
    """
    What is due, class by class. Nothing is removed.

    Copies go by themselves in the night; records wait until two people decided it.
    """
    from clinic.clock import SystemClock
    from clinic.retention.night import plan as read

    settings = get_settings()
    with open_record(settings) as record:
        due = read(record, settings, SystemClock().now() + timedelta(days=days))
    if json:
        return console.show_json([asdict(one) for one in due])
    show = LocalTime(settings).show
    console.show_table(
        "Due",
        ["Class", "Things", "Rows", "Since", "Held", "By", "Says"],
        [
            (
                one.what, one.things, f"{one.rows:,}", show(one.oldest) if one.oldest else "", one.held,
                "the clock" if one.by == "clock" else "two people", one.authority,
            )
            for one in due
        ],
        right=(1, 2, 4),
    )  # fmt: skip
    if asked := [one.what for one in due if one.by != "clock" and one.things]:
        return console.next_commands(f'cohort retention ask {asked[0]} --reason "…"')
    console.next_commands(
        "cohort retention run" if any(one.things for one in due) else "cohort today"
    )


@app.command()
def run(json: Json = False) -> None:
    """Remove the copies that are due now, as every night does. Records stay."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.anchor import anchor_of, write_anchor
    from clinic.retention.night import purge

    settings = get_settings()
    with open_record(settings) as record:
        gone = purge(record, SystemClock(), settings)
        write_anchor(record, anchor_of(settings))
    if json:
        return console.show_json(gone)
    console.say(
        f"Removed: the cells of {gone['lists']:,} lists, {gone['outbox']:,} messages of the outbox, "
        f"{gone['files']:,} files."
    )
    console.next_commands("cohort retention stubs")


@app.command()
def hold(
    of: Annotated[
        Literal["patient", "campaign", "list"], typer.Argument(help="What is held.", metavar="OF")
    ],
    number: Annotated[
        str, typer.Argument(metavar="ID", help="A patient's NHS number or own id; else the number.")
    ],
    reason: Annotated[str, typer.Option(help="Why: the inquiry, claim or complaint. No patient.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Place a legal hold: nothing of it goes, whatever its age, until it is lifted."""
    from clinic.clock import SystemClock
    from clinic.errors import NotFound
    from clinic.message.outcomes.outreach import find_patient
    from clinic.retention.holds import place_hold

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        if of == "patient":
            with record.read() as connection:
                key = find_patient(connection, number)
        elif number.isdigit():
            key = int(number)
        else:
            raise NotFound("legal-hold-nothing", f"a {of} is named by its number")
        made = place_hold(record, SystemClock(), of, key, reason=reason, by=by)
    console.say(f"Hold {made}: nothing of this {of} goes until it is lifted.")
    console.next_commands("cohort retention holds")


@app.command()
def lift(
    hold: Annotated[
        int, typer.Argument(metavar="HOLD", help="Its number: cohort retention holds.")
    ],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Lift a legal hold: the clock counts again."""
    from clinic.clock import SystemClock
    from clinic.retention.holds import lift_hold

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        lifted = lift_hold(record, SystemClock(), hold, by=by)
    console.say(f"Hold {lifted.id} is lifted. What was due meanwhile goes in the next night.")
    console.next_commands("cohort retention plan")


@app.command()
def holds(
    everything: Annotated[bool, typer.Option("--all", help="Also those that were lifted.")] = False,
    json: Json = False,
) -> None:
    """What is under a legal hold, why, and who placed it."""
    from cli.looks.theirs import theirs
    from clinic.govern.tied import kept_subjects
    from clinic.retention.holds import list_holds

    settings = get_settings()
    with open_record(settings) as record:
        found = theirs(
            record, settings, list_holds(record, everything=everything),
            lambda one: ("legal hold", one.id), kept_subjects,
        )  # fmt: skip
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    console.show_table(
        "Legal holds",
        ["No", "Of", "Reason", "Placed", "By", "Lifted"],
        [
            (
                one.id, f"{one.subject} {one.subject_id}", one.reason, show(one.placed_at), one.placed_by,
                show(one.lifted_at) if one.lifted_at else "",
            )
            for one in found
        ],
    )  # fmt: skip
    console.next_commands(
        f"cohort retention lift {found[0].id}" if found else "cohort retention plan"
    )


@app.command()
def stubs(limit: Newest = 50, json: Json = False) -> None:
    """What went: how much, its SHA-256, on whose authority. Newest first."""
    from clinic.retention.stubs import list_stubs

    settings = get_settings()
    with open_record(settings) as record:
        found = list_stubs(record, limit=limit)
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    console.show_table(
        "Gone",
        ["When", "Class", "Of", "How much", "SHA-256", "Authority"],
        [
            (
                show(one.gone_at), one.what, f"{one.subject} {one.subject_id or ''}".strip(),
                f"{one.count:,}", one.sha256[:12], one.authority,
            )
            for one in found
        ],
        right=(3,),
    )  # fmt: skip
    console.next_commands("cohort retention plan")


@app.command()
def ask(
    what: Annotated[
        Literal["replies", "messages", "before-images", "import-values", "trail", "access-log"],
        typer.Argument(metavar="CLASS", help="Of the plan, what two people decide."),
    ],
    reason: Annotated[str, typer.Option(help="Why they may go; who approves reads it.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Ask that all of a class go whose time is over, by the plan. Another manager approves it."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.anchor import anchor_of, write_anchor
    from clinic.retention.decided import ask as ask_for

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        number = ask_for(record, SystemClock(), settings, what, by=by, reason=reason)
        write_anchor(record, anchor_of(settings))
    console.say(f"Request {number}: nothing goes until another manager approves it.")
    console.next_commands(f"cohort approvals show {number}", f"cohort approve {number}")
