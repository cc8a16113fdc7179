"""`cohort correct` and `cohort incident`: after a wrong text is out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.looks.noting import looked
from cli.message.options import Manner, What, Who
from cli.options import CampaignNumber, Json, send_unasked
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.message.safety.corrected import Corrected

_WORDS = {"delivered": "delivered", "accepted": "sent", "unknown": "may have got it"}


def correct(
    campaign: CampaignNumber,
    template: Annotated[
        str | None, typer.Option(help="Key of a template that says what is right.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="What is right, in your words, instead of a template.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Subject, for e-mail.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at whom it would reach; nothing is sent.")
    ] = False,
    yes: Annotated[bool, send_unasked()] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODE=REASON", help="Why what a check finds in it is right; repeatable."
        ),
    ] = None,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Send a correction to exactly those who got a campaign, by the same way and to the same addresses.

    Whoever was sent it or had it delivered, and whose delivery status is unknown; not those who were left out,
    or whom it did not reach. Who opted out, left or is deceased since gets none, and is counted at the review.
    Where another manager works here, one approves it.

    [bold]Example[/]

      cohort correct 12 --text "Our text of Monday was wrong: the clinic is open on Friday. Green Surgery"
    """
    from cli.message import steps
    from cli.message.session import message_cohort
    from clinic.message.safety.corrected import look_at

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        with record.read() as connection:
            seen = look_at(connection, campaign)
    _say(seen)
    what = What(
        f"Correction of campaign {campaign}", template, text, subject, seen.channel,  # type: ignore[arg-type]
        purpose=seen.purpose if text is not None else None,
    )  # fmt: skip
    manner = Manner(
        dry_run=dry_run,
        yes=yes,
        json=json,
        outbox=seen.outbox,
        accept=tuple(accept or ()),
        proven=by,
    )
    then = message_cohort(Who(corrects=campaign), what, manner, use_server=steps.use_server)
    console.say(f"For a report to the regulator: cohort incident {campaign} --csv FILE")
    console.next_commands(*then)


def incident(
    campaign: CampaignNumber,
    csv: Annotated[
        Path, typer.Option("--csv", help="Where to write it: a file that only you can read.")
    ],
) -> None:
    """
    Who got a campaign, what it said, when, and whether they were corrected: for the report to the regulator.

    With whose each address is now, what makes a message graver, and a cover: the requester, approvals, which
    warnings were accepted, of which list. A personal data breach is reported within 72 hours of becoming known.
    The file holds patient data and the texts: keep it where the list itself may be kept.
    """
    from cli.proof import claimed
    from clinic.govern.access.look import at_all
    from clinic.message.outcomes.incident import write_incident
    from clinic.message.outcomes.incident_cover import cover_of
    from clinic.message.safety.corrected import look_at
    from clinic.record.private import open_private

    settings = get_settings()
    with open_record(settings) as record:
        with record.read() as connection:
            seen = look_at(connection, campaign)
            cover = cover_of(connection, campaign, LocalTime(settings).show)
        looked(record, settings, at_all("campaign", campaign, sum(seen.got.values())))
        with open_private(csv) as file:
            count = write_incident(
                record, campaign, file, LocalTime(settings).show, by=claimed(settings, "")
            )
    beside = csv.with_name(f"{csv.stem}-cover.txt")
    with open_private(beside, encoding="utf-8") as file:
        file.writelines(f"{what}: {says}\n" for what, says in cover)
    _say(seen)
    console.show_table("", ["", ""], cover)
    console.say(
        f"{count:,} messages written to {csv}, what is above to {beside}, for you alone to read."
    )
    console.next_commands(f"cohort show {campaign}")


def _say(seen: Corrected) -> None:
    parts = ", ".join(f"{count:,} {_WORDS[state]}" for state, count in seen.got.items())
    console.say(f"Campaign {seen.id} was got by {sum(seen.got.values()):,} patients: {parts}.")
    if seen.not_got:
        console.say(f"{seen.not_got:,} of its messages reached nobody: no correction goes there.")
    if seen.corrected:
        console.say(f"{seen.corrected:,} of them have a correction already, or are about to.")
