"""`cohort groups`: patient groups and who is in them."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.looks.noting import looked
from cli.options import Ids, Json, Unasked
from cli.pasting import text_of
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Patient groups: cohort message --group CODE sends to the members of one.",
)
Code = Annotated[str, typer.Argument(help="The group's code: cohort groups list.")]


@app.command("list")
def list_all(json: Json = False) -> None:
    """Every group and how many are in it."""
    from clinic.practice.groups import list_groups

    with open_record(get_settings()) as record:
        found = list_groups(record)
    if json:
        return console.show_json([asdict(group) for group in found])
    rows = [(group.code, group.name, group.members) for group in found]
    console.show_table("Groups", ["Code", "Name", "Members"], rows, right=(2,))
    if not found:
        return console.next_commands("cohort groups add CODE --name NAME --ids-from ids.txt")
    console.next_commands(
        f"cohort groups show {found[0].code}",
        f"cohort message --group {found[0].code} --name NAME --template KEY",
    )


@app.command()
def add(
    code: Annotated[str, typer.Argument(help="The group's code: young-mothers.")],
    ids_from: Ids,
    name: Annotated[str, typer.Option(help="Makes the group if there is none.")] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Add patients to a group. With --name it is made if there is none. Who did it is on the audit trail."""
    from clinic.clock import SystemClock
    from clinic.practice.groups import add_to_group, list_groups

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        added = add_to_group(record, SystemClock(), code, _ids(ids_from), name=name, by=by)
        called = next(group.name for group in list_groups(record) if group.code == code)
    console.say(f"{added.new:,} added, {added.already:,} were in it already.")
    if name and name != called:
        console.say(f"The group was here before and keeps its name: {escape(called)}.")
    _say_unknown(added.unknown)
    console.next_commands(f"cohort message --group {code} --name NAME --template KEY")


@app.command()
def show(
    code: Code,
    limit: Annotated[int, typer.Option(min=1, help="Most members shown.")] = 100,
    json: Json = False,
) -> None:
    """Who is in a group: NHS number, the practice's id, name."""
    from clinic.govern.access.look import Look, known_as
    from clinic.practice.groups import members_of

    settings = get_settings()
    with open_record(settings) as record:
        found = members_of(record, code, limit=limit)
        with record.read() as connection:
            keys = known_as(connection, [one.nhs_number or one.local_id for one in found])
        looked(record, settings, Look("group", None, len(found), keys))
    if json:
        return console.show_json([asdict(member) for member in found])
    rows = [(member.nhs_number, member.local_id, member.name) for member in found]
    title = f"Group {code}" + (f", the first {limit:,}" if len(found) == limit else "")
    console.show_table(title, ["NHS Number", "Local ID", "Name"], rows)
    console.next_commands(
        f"cohort message --group {code} --name NAME --template KEY",
        f"cohort groups remove {code} --ids-from ids.txt",
    )


@app.command()
def remove(
    code: Code,
    ids_from: Ids,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Remove patients from a group; the patients themselves stay."""
    from clinic.clock import SystemClock
    from clinic.practice.groups import remove_from_group

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        removed = remove_from_group(record, SystemClock(), code, _ids(ids_from), by=by)
    console.say(f"{removed.gone:,} removed, {removed.not_in_it:,} were not in it.")
    _say_unknown(removed.unknown)
    console.next_commands(f"cohort groups show {code}")


@app.command()
def delete(
    code: Code,
    yes: Unasked = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Delete a group. Its patients stay, and so do campaigns that were sent to it."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.practice.groups import delete_group

    if not (yes or (sys.stdin.isatty() and typer.confirm(f"Delete group {code}?", err=True))):
        raise NotAllowed("not-confirmed", "nothing was deleted; without being asked: --yes")
    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        members = delete_group(record, SystemClock(), code, by=by)
    console.say(f"Group {code} is deleted; {members:,} patients were in it, and stay.")
    console.next_commands("cohort groups list")


def _ids(ids_from: Path) -> list[str]:
    """Ids that were pasted or stand in a text file or spreadsheet; what of it was left out is said."""
    from cli.operations.choosing import say_notices
    from clinic.cohort.files.kinds import is_sheet
    from clinic.cohort.id_file import read_ids
    from clinic.cohort.pasted import pasted_ids

    if is_sheet(ids_from):
        file = read_ids(ids_from)
        say_notices(file)
        return [row.nhs_number or row.other for row in file.rows]
    return pasted_ids(text_of(ids_from))


def _say_unknown(count: int) -> None:
    if count:
        console.say(f"[yellow]{count:,} ids match no patient of this record.[/]")
