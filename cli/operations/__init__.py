"""`cohort operations`: change many records at once; reviewed, approved by another person, undoable."""

from __future__ import annotations

import typer

from cli.operations import again, data, look, records
from cli.operations.select import select

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Change many patients' records at once.

    First select whom it concerns, then ask for the operation by the selection's number. You see what
    would change, for whom, and who cannot be changed and why. Another person approves; then it runs.

    [bold]Examples[/]

      cohort operations select --facility F1 --status active

      cohort operations select ids.csv more.xlsx --search Smith --pick all

      cohort operations status 1 --to discharged --reason "Facility F1 closes"

      cohort operations undo 1 --reason "Wrong facility"
    """,
)

# In the order of the help
for command in (
    select,
    records.status,
    records.provider,
    records.facility,
    records.tag,
    records.attribute,
    data.export,
    data.visit,
    again.undo,
    again.rerun,
    again.resume,
    again.withdraw,
):
    app.command()(command)
app.command("list")(look.list_all)
app.command()(look.show)
app.command()(look.selection)
app.command()(look.visits)
