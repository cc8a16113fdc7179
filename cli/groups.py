"""`cohort groups`: patient groups and who is in them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.wiring import get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Patient groups: cohort message --group CODE sends to the members of one.",
)
Json = Annotated[bool, typer.Option("--json", help="For scripts: one JSON document.")]


@app.command("list")
def list_all(json: Json = False) -> None:
    """Every group and how many are in it."""
    from clinic.record.groups import list_groups

    with open_record(get_settings()) as record:
        found = list_groups(record)
    if json:
        return console.show_json([asdict(group) for group in found])
    rows = [(group.code, group.name, group.members) for group in found]
    console.show_table("Groups", ["Code", "Name", "Members"], rows, right=(2,))
    if not found:
        return console.next_commands("cohort groups add CODE --name NAME --ids-from ids.txt")
    console.next_commands(f"cohort message --group {found[0].code} --name NAME --template KEY")


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="The group's code: young-mothers.")],
    ids_from: Annotated[
        Path, typer.Option(help="A file of NHS numbers or the practice's ids; - to paste them.")
    ],
    name: Annotated[str, typer.Option(help="Makes the group if there is none.")] = "",
) -> None:
    """Put patients into a group, and make it if it has a name. Again: nothing."""
    from clinic.cohort.pasted import pasted_ids
    from clinic.record.groups import add_to_group

    text = sys.stdin.read() if str(ids_from) == "-" else ids_from.read_text(encoding="utf-8-sig")
    with open_record(get_settings()) as record:
        added = add_to_group(record, code, pasted_ids(text), name=name)
    console.say(f"{added.new:,} added, {added.already:,} were in it already.")
    if added.unknown:
        console.say(f"[yellow]{added.unknown:,} ids are of no patient of this record.[/]")
    console.next_commands(f"cohort message --group {code} --name NAME --template KEY")
