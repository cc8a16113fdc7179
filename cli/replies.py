"""`cohort replies`: what patients answered and a person should read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.wiring import LocalTime, get_settings, open_record


def replies(
    keywords: Annotated[
        bool, typer.Option("--keywords", help="STOP and START too, which need nobody.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="For scripts: one JSON document.")] = False,
) -> None:
    """
    What patients answered, newest first, with how many patients of the record have that number.

    STOP and START act by themselves, at once, for everybody on the number; HELP and all else is for
    a person to read.
    """
    from clinic.message.replies import list_replies

    settings = get_settings()
    with open_record(settings) as record:
        found = list_replies(record, keywords=keywords, limit=limit)
    if json:
        return console.show_json([asdict(one) for one in found])
    show = LocalTime(settings).show
    console.show_table(
        f"Replies: {len(found)}",
        ["No", "Received", "By", "From", "Patients", "Keyword", "Text"],
        [
            (r.id, show(r.at), r.channel, r.address, r.patients, r.keyword or "", r.text)
            for r in found
        ],
        right=(0, 4),
    )
    console.next_commands("cohort patient NHS-NUMBER", "cohort replies --keywords")
