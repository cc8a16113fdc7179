"""`cohort sources`: the other systems that the record is filled from every night."""

from __future__ import annotations

import typer

from cli.sources.asking import check, show_list
from cli.sources.importing import accept, sync
from cli.sources.looking import status

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The other systems that this record is filled from every night: [sources.NAME] in the settings.

    Each night every kind of every source is fetched, checked and imported. What a check stops is not
    imported, and reminders are not sent on what is too old (docs/data.md).
    """,
)
app.command("list")(show_list)
app.command()(check)
app.command()(status)
app.command()(sync)
app.command()(accept)
