"""`cohort reply`: deal with what a patient answered: take it, give it to somebody, close it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from cli import console
from cli.looks.noting import looked
from cli.looks.theirs import theirs
from cli.options import Json
from cli.proof import Me, SecretFd, anchor_of, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.clock import Clock
    from clinic.message.incoming.shared_stop import Decided
    from clinic.record.database import Record

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
Number = Annotated[int, typer.Argument(metavar="NO", help="Of the reply: cohort replies.")]
Note = Annotated[
    str, typer.Option("--note", help="What was done, or how you know; the trail has its digest.")
]


@app.callback()
def reply() -> None:
    """Deal with a reply. Who did what and when is in the audit trail."""


@app.command()
def take(number: Number, me: Me = "", secret_fd: SecretFd = None) -> None:
    """You deal with it from now on."""
    from clinic.message.incoming.reply_work import assign

    acted(me, secret_fd, lambda record, clock, by: assign(record, clock, number, by, by=by))
    console.say(f"You deal with reply {number}.")
    console.next_commands(f'cohort reply done {number} --note "…"')


@app.command()
def give(
    number: Number,
    owner: Annotated[str, typer.Argument(metavar="NAME", help="Who deals with it.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Somebody else deals with it from now on."""
    from clinic.message.incoming.reply_work import assign

    acted(me, secret_fd, lambda record, clock, by: assign(record, clock, number, owner, by=by))
    console.say(f"{owner} deals with reply {number}.")
    console.next_commands("cohort replies")


@app.command()
def done(
    numbers: Annotated[
        list[int], typer.Argument(metavar="NO …", help="One or several replies: cohort replies.")
    ],
    note: Note,
    opt_out: Annotated[
        bool,
        typer.Option(
            "--opt-out",
            help="They asked for no more messages: it counts like STOP from that number.",
        ),
    ] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """It is dealt with, and what was done."""
    from clinic.message.incoming.reply_work import close

    phones = get_settings().phones if opt_out else None
    acted(
        me,
        secret_fd,
        lambda record, clock, by: close(record, clock, numbers, note, by=by, opt_out=phones),
    )
    console.say(f"Done: {', '.join(map(str, numbers))}.")
    console.next_commands("cohort replies")


@app.command()
def reopen(number: Number, me: Me = "", secret_fd: SecretFd = None) -> None:
    """It is open again, and nobody's."""
    from clinic.message.incoming.reply_work import reopen as open_again

    acted(me, secret_fd, lambda record, clock, by: open_again(record, clock, number, by=by))
    console.say(f"Reply {number} is open again.")
    console.next_commands(f"cohort replies {number}")


@app.command()
def shared(json: Json = False) -> None:
    """STOP and START from numbers that several patients have: of whom a person must still decide."""
    from clinic.govern.access.look import at_some
    from clinic.govern.tied import kept_from
    from clinic.message.incoming.shared_stop import list_open

    settings = get_settings()
    with open_record(settings) as record:
        found = theirs(record, settings, list_open(record), lambda one: one.patient_id, kept_from)
        looked(record, settings, at_some("replies", [one.patient_id for one in found]))
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    console.show_table(
        f"Does it hold for them too: {len(found)}",
        ["Reply", "Received", "By", "Keyword", "NHS number", "Local id", "Name", "Born"],
        [
            (
                one.reply_id, show(one.at), one.channel, one.keyword, one.nhs_number, one.local_id,
                one.name, one.birth_date,
            )
            for one in found
        ],
        right=(0,),
    )  # fmt: skip
    if found:
        console.say("Until you decide, nothing is sent to them on that number.")
        no, who = found[0].reply_id, found[0].nhs_number or found[0].local_id
        console.next_commands(
            f"cohort replies {no}",
            f"cohort reply decide {no} {who} opt-out",
            f"cohort reply decide {no} {who} keep",
        )
    return None


@app.command()
def decide(
    number: Number,
    patient: Annotated[
        str, typer.Argument(metavar="PATIENT", help="NHS number, or the practice's own id.")
    ],
    decision: Annotated[
        Literal["opt-out", "keep"],
        typer.Argument(help="opt-out: it holds for them too; keep: they are messaged."),
    ],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Say whether a STOP or START from a shared number holds for this patient too."""
    from clinic.message.incoming.shared_stop import decide as say
    from clinic.message.outcomes.outreach import find_patient

    def act(record: Record, clock: Clock, by: str) -> int:
        with record.read() as connection:
            key = find_patient(connection, patient)
        said: Decided = "opt_out" if decision == "opt-out" else "opt_in"
        return say(record, clock, number, key, said, by=by)

    if acted(me, secret_fd, act):
        told = "opted out"
        if decision != "opt-out":
            told = "messaged on that number again, but for what they opted out of themselves"
        console.say(f"Decided: the patient is {told}.")
    else:
        console.say("That was decided before.")
    console.next_commands("cohort reply shared", f"cohort patient {patient} --reason reply")


def acted(me: str, secret_fd: int | None, act: Callable[[Record, Clock, str], T]) -> T:
    """Do something in the name of whoever is proven; what came of it."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        found = act(record, SystemClock(), by)
        write_anchor(record, anchor_of(settings))
    return found
