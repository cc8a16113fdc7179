"""`cohort replies`: what patients answered and a person should read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import Json, Newest
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.message.incoming.replies import Reply


def replies(
    number: Annotated[
        int | None,
        typer.Argument(metavar="[NO]", help="One reply, and the patients of its number."),
    ] = None,
    keywords: Annotated[
        bool, typer.Option("--keywords", help="Also STOP and START, which need no action.")
    ] = False,
    limit: Newest = 50,
    json: Json = False,
) -> None:
    """
    What patients answered, newest first, with how many patients of the record have that number.

    STOP and START act by themselves, at once, for everybody on the number, when they are all that was
    said. HELP and all else is for a person to read; what may be an opt-out is marked.
    """
    from clinic.message.incoming.replies import list_replies

    if number is not None:
        return _one(number, json=json)
    settings = get_settings()
    with open_record(settings) as record:
        found = list_replies(record, keywords=keywords, limit=limit)
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    console.show_table(
        f"Replies: {len(found)}",
        ["No", "Received", "By", "From", "Patients", "Keyword", "Text"],
        [(r.id, show(r.at), r.channel, r.address, r.patients, _keyword(r), r.text) for r in found],
        right=(0, 4),
    )
    one = (f"cohort replies {found[0].id}",) if found else ()
    console.next_commands(*one, "cohort replies --keywords")


def _keyword(reply: Reply) -> str:
    return "may be an opt-out" if reply.may_be_opt_out else reply.keyword or ""


def _one(number: int, *, json: bool) -> None:
    from clinic.message.incoming.replies import one_reply

    settings = get_settings()
    with open_record(settings) as record:
        reply, sharers = one_reply(record, number, settings.phones)
    if json:
        return console.show_json(asdict(reply) | {"of": [asdict(one) for one in sharers]})
    show = LocalTime(settings).show
    facts = [
        ("Received", f"{show(reply.at)} by {reply.channel}"),
        ("From", reply.address),
        ("Keyword", _keyword(reply)),
        ("Text", reply.text),
    ]
    console.show_table(f"Reply {number}", ["What", "Is"], facts)
    console.show_table(
        "Patients who have this number now"
        if reply.channel == "sms"
        else "Patients of this address",
        ["NHS number", "Local id", "Name", "Born", "Status"],
        [(p.nhs_number, p.local_id, p.name, p.birth_date, p.status) for p in sharers],
    )
    ids = [p.nhs_number or p.local_id for p in sharers]
    console.next_commands(*(f"cohort patient {name}" for name in ids if name), "cohort replies")
