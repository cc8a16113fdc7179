"""`cohort tags`: the tags that can be given to patients."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.options import Json
from cli.proof import FIRST_PEOPLE, Me, SecretFd, prove_me
from cli.wiring import get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Tags of patients. Which there are is said here; who has them is changed by an operation:

      cohort operations tag SELECTION --add CODE --reason "…"
    """,
)


@app.command("list")
def list_all(json: Json = False) -> None:
    """Every tag and how many patients have it."""
    from clinic.govern.people.operators import list_operators
    from clinic.practice.tag_catalogue import list_tags

    with open_record(get_settings()) as record:
        found, people = list_tags(record), list_operators(record)
    if json:
        return console.show_json([asdict(each) for each in found])
    rows = [(each.code, each.name, each.patients) for each in found]
    console.show_table("Tags", ["Code", "Name", "Patients"], rows, right=(2,))
    if not found:
        first = 'cohort tags add CODE --name "What it means"'
        console.next_commands(*(() if people else FIRST_PEOPLE), first)


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="a to z, 0 to 9, dot, dash, underscore.")],
    name: Annotated[str, typer.Option(help="What it means; the code if not given.")] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Add a tag. Who added it is in the audit trail."""
    from clinic.clock import SystemClock
    from clinic.practice.tag_catalogue import add_tag

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        new = add_tag(record, SystemClock(), code=code, name=name, by=by)
    console.say("The tag can be given now." if new else "The tag was there already.")
    console.next_commands(f'cohort operations tag SELECTION --add {code} --reason "…"')
