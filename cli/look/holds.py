"""`cohort holds`: numbers and patients that are sent nothing, for what a reply says, until somebody decides."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.look.reply_work import Note, acted
from cli.looks.noting import looked
from cli.looks.theirs import theirs
from cli.options import Json
from cli.proof import Me, SecretFd
from cli.wiring import LocalTime, get_settings, open_record

app = typer.Typer(
    rich_markup_mode="rich",
    help="""
    Numbers and patients that are sent nothing, for what a reply says, until somebody decides.

    After "wrong number" it is that number; after a death, the number and every patient whose number it is.

    [bold]Examples[/]

      cohort holds release 3 --note "rung: it is her number"

      cohort holds keep 3 --note "rung: he never was a patient"
    """,
)
Hold = Annotated[int, typer.Argument(metavar="HOLD", help="Its number: cohort holds.")]
_SAYS = {"wrong_number": "wrong number", "death": "somebody died"}


@app.callback(invoke_without_command=True)
def list_all(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="What was decided, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, the oldest first.")] = 50,
    json: Json = False,
) -> None:
    """What nobody has decided yet, the oldest first."""
    if context.invoked_subcommand is not None:
        return None
    from clinic.govern.access.look import Look, known_as
    from clinic.govern.tied import kept_ids, kept_replies
    from clinic.message.incoming.holds import list_holds
    from clinic.message.incoming.senders import senders_of

    settings = get_settings()
    with open_record(settings) as record:
        found = list_holds(record, every=every, limit=limit)
        found = theirs(record, settings, found, lambda each: each.reply_id, kept_replies)
        found = theirs(record, settings, found, lambda each: each.own_id, kept_ids)
        keys = senders_of(record, [each.reply_id for each in found], settings.phones)
        with record.read() as connection:
            keys |= known_as(connection, [each.own_id for each in found])
        looked(record, settings, Look("holds", None, len(found), keys))
    if json:
        return console.show_json([asdict(each) for each in found])
    at = LocalTime(settings).show
    console.show_table(
        f"Held: {len(found)}",
        ["No", "Reply", "Says", "Number or address", "Patient", "Name", "Since", "State", "By", "Note"],
        [
            (
                x.id, x.reply_id, _SAYS[x.why], x.address, x.own_id or "everybody", x.name,
                at(x.held_at), x.state, x.decided_by, x.note,
            )
            for x in found
        ],
        right=(0, 1),
    )  # fmt: skip
    if first := next((x for x in found if x.state == "held"), None):
        console.next_commands(
            f"cohort replies {first.reply_id}",
            f'cohort holds release {first.id} --note "…"',
            f'cohort holds keep {first.id} --note "…"',
        )
    return None


@app.command()
def release(hold: Hold, note: Note, me: Me = "", secret_fd: SecretFd = None) -> None:
    """The number is theirs, or the patient lives: messages are sent again."""
    _decide(hold, "released", note, me, secret_fd)
    console.say(f"Hold {hold} is released: messages are sent again.")
    console.next_commands("cohort holds")


@app.command()
def keep(hold: Hold, note: Note, me: Me = "", secret_fd: SecretFd = None) -> None:
    """The reply is right: nothing is sent, and a wrong number is taken off the record."""
    taken = _decide(hold, "kept", note, me, secret_fd)
    console.say(f"Hold {hold} is kept: nothing is sent.")
    if taken:
        console.say(
            f"Patients whose number was taken off the record: {taken:,}. Ask for the right one."
        )
    else:
        console.say("A death is entered in the practice's own system: the next import brings it.")
    console.next_commands("cohort holds")


def _decide(hold: int, state: str, note: str, me: str, secret_fd: int | None) -> int:
    from clinic.message.incoming.holds import decide_hold

    phones = get_settings().phones
    return acted(
        me,
        secret_fd,
        lambda record, clock, by: decide_hold(
            record, clock, hold, state, note, by=by, phones=phones
        ),
    )
