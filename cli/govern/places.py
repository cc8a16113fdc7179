"""`cohort places`: the practice's facilities and providers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli import console
from cli.options import Json
from cli.proof import FIRST_PEOPLE, Me, SecretFd, prove_me
from cli.wiring import get_settings, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Facilities and providers, by code: operations give them patients and visits. A manager keeps them.

    [bold]Examples[/]

      cohort places facility F1 --name "North Surgery" --email north@practice.example

      cohort places provider P1 --name "Dr Jones" --facility F1 --capacity 1800

      cohort places facility F1 --default-provider P1
    """,
)
Code = Annotated[str, typer.Argument(help="Letters, digits, dot, dash, underscore.")]
Name = Annotated[str | None, typer.Option(help="As people know it; a new one must have it.")]
Email = Annotated[str | None, typer.Option(help="For notices; empty removes it.")]
Active = Annotated[
    bool | None, typer.Option("--open/--closed", help="Closed: gets no new patients or visits.")
]


@app.command("list")
def list_all(json: Json = False) -> None:
    """Every facility and provider, and how many patients each has."""
    from clinic.govern.people.operators import list_operators
    from clinic.practice.places import list_places

    with open_record(get_settings()) as record:
        facilities, providers = list_places(record, "facility"), list_places(record, "provider")
        people = list_operators(record)
    if json:
        return console.show_json(
            {
                "facilities": [asdict(each) for each in facilities],
                "providers": [asdict(each) for each in providers],
            }
        )
    for title, other, found in (
        ("Facilities", "Default provider", facilities),
        ("Providers", "Facility", providers),
    ):
        rows = [
            (p.code, p.name, p.email, p.at, p.patients, "" if p.active else "closed") for p in found
        ]
        console.show_table(
            title, ["Code", "Name", "E-mail", other, "Patients", ""], rows, right=(4,)
        )
    if not facilities:
        first = 'cohort places facility CODE --name "North Surgery"'
        console.next_commands(*(() if people else FIRST_PEOPLE), first)


@app.command()
def facility(
    code: Code,
    name: Name = None,
    email: Email = None,
    phone: Annotated[str | None, typer.Option(help="As patients are told it.")] = None,
    default_provider: Annotated[
        str | None, typer.Option(metavar="CODE", help="Who gets patients moved to it by default.")
    ] = None,
    active: Active = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Add a facility, or change one. What is omitted stays unchanged."""
    given = {
        "name": name, "email": email, "phone": phone, "default_provider": default_provider,
        "active": active,
    }  # fmt: skip
    _put("facility", code, given, me, secret_fd)


@app.command()
def provider(
    code: Code,
    name: Name = None,
    email: Email = None,
    facility: Annotated[str | None, typer.Option(metavar="CODE", help="Where they work.")] = None,
    speciality: Annotated[str | None, typer.Option(help="Midwifery, physiotherapy …")] = None,
    capacity: Annotated[int | None, typer.Option(min=0, help="Most patients.")] = None,
    active: Active = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Add a provider, or change one. What is omitted stays unchanged."""
    given = {
        "name": name, "email": email, "facility": facility, "speciality": speciality,
        "capacity": capacity, "active": active,
    }  # fmt: skip
    _put("provider", code, given, me, secret_fd)


def _put(sort: Any, code: str, given: dict[str, Any], me: str, secret_fd: int | None) -> None:
    from clinic.clock import SystemClock
    from clinic.practice.places import put_place

    # "" takes a value away
    values = {
        name: value if value != "" else None for name, value in given.items() if value is not None
    }
    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        done = put_place(record, SystemClock(), sort, code, values, by=by)
    says = {"added": "is there now", "changed": "is changed", "same": "was so already"}
    console.say(f"{code} {says[done]}.")
    console.next_commands("cohort places list")
