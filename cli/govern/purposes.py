"""`cohort purposes`: what messages are for, who answers for it, and what decides who gets them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import console
from cli.options import Json
from cli.wiring import get_settings, open_record


def purposes(
    mapped: Annotated[
        bool,
        typer.Option(
            "--mapped",
            help="What purposes were called while they were free text, and what became of each.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """
    Every purpose: legal basis, objection or consent, owner, review date, privacy notice, templates.

    The list is closed: each template and each free text names one. Who owns a purpose, when it is looked at
    again and where patients read of it stand in the settings: [bold]purposes.recall.owner[/] and so on.
    """
    from clinic.message.purposes_in_use import count_templates, what_was_mapped
    from clinic.values.purposes import PURPOSES

    settings = get_settings()
    with open_record(settings) as record:
        counts, words = count_templates(record), what_was_mapped(record)
    if mapped:
        return _show_mapped([(m.what, m.word, m.became, m.count) for m in words], json=json)
    rows = [
        {
            "purpose": one.name,
            "about": one.says,
            "legal_basis": one.basis,
            "ruled_by": one.ruled_by,
            "owner": settings.purposes.of(name).owner,
            "review_by": str(settings.purposes.of(name).review_by or ""),
            "notice": settings.purposes.of(name).notice,
            "templates": counts.get(name, 0),
        }
        for name, one in PURPOSES.items()
    ]
    if json:
        return console.show_json(rows)
    console.show_table(
        "Purposes",
        [
            "Purpose",
            "About",
            "Legal basis",
            "Ruled by",
            "Owner",
            "Review by",
            "Notice",
            "Templates",
        ],
        [tuple(row.values()) for row in rows],
        right=(7,),
    )
    if words:
        console.say(f"{len(words):,} were mapped from words of before: cohort purposes --mapped")
    return console.next_commands("cohort templates list", "cohort objection --help")


def _show_mapped(found: list[tuple[str, str, str | None, int]], *, json: bool) -> None:
    if json:
        names = ("what", "word", "purpose", "count")
        return console.show_json([dict(zip(names, row, strict=True)) for row in found])
    console.show_table(
        "Mapped from words of before",
        ["What", "Word", "Purpose now", "How many"],
        [(what, word, purpose or "none: unknown", count) for what, word, purpose, count in found],
        right=(3,),
    )
    if any(purpose is None for _, _, purpose, _ in found):
        console.say(
            "[yellow]By a word that says nothing nobody is left out[/]: ask whoever noted it, and type what "
            "was meant with cohort objection."
        )
    return console.next_commands("cohort templates add --help", "cohort objection --help")
