"""`cohort operators`: who works here and what they may do."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.door.operators_review import mfa, review
from cli.options import Json
from cli.proof import Me, SecretFd, anchor_of, ask_secret, prove_me
from cli.wiring import get_settings, open_record
from clinic.govern.people.roles import CLINICAL, PEOPLE, PERMISSIONS, RIGHTS_OF, Role, may

if TYPE_CHECKING:
    from clinic.practice.leavers.disable import Left

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    People who ask for and approve record operations and campaigns.

    operator: asks. team_lead: also approves tags and exports. manager: also approves everything else and
    reads the audit trail. auditor: reads the audit trail, and nothing else. admin: adds and disables
    operators, resets passwords, and nothing else. Nobody approves what they asked for themselves.
    """,
)
Name = Annotated[str, typer.Argument(help="a to z, 0 to 9, dot, dash, underscore, @.")]
Facilities = Annotated[
    list[str] | None,
    typer.Option(
        "--facility",
        metavar="CODE",
        help="Works with this facility's patients alone; several: repeat it. None: with all.",
    ),
]
NewSecretFd = Annotated[
    int | None,
    typer.Option(
        "--new-password-fd",
        metavar="N",
        help="Read the operator's new password from this file descriptor.",
    ),
]


@app.command("list")
def list_all(json: Json = False) -> None:
    """Everybody, with what each may approve."""
    from clinic.govern.people.clinicians import clinicians
    from clinic.govern.people.facilities import tied
    from clinic.govern.people.operators import list_operators

    with open_record(get_settings()) as record:
        found = list_operators(record)
        with record.read() as connection:
            clinical, places = clinicians(connection), tied(connection)
    if json:
        return console.show_json(
            [
                asdict(each)
                | {"clinician": clinical.get(each.name), "facilities": places.get(each.name, ())}
                for each in found
            ]
        )
    console.show_table(
        "Operators",
        ["Name", "Role", "", "Clinician", "Facilities", "Rights", "May approve"],
        [
            (
                person.name, person.role, "" if person.active else "disabled",
                clinical.get(person.name), ", ".join(places.get(person.name, ("all",))),
                ", ".join(sorted(RIGHTS_OF[person.role])),
                _approves(person.role, person.name in clinical),
            )
            for person in found
        ],
    )  # fmt: skip
    if not found:
        console.say(
            "Nobody was added yet: whoever has this account looks and acts in any name. "
            "Add the first admin before patients come in."
        )
        console.next_commands("cohort operators add NAME --role admin")


@app.command()
def add(
    name: Annotated[
        str, typer.Argument(help="a to z, 0 to 9, dot, dash, underscore, @; yourself if not given.")
    ] = "",
    role: Annotated[
        Role | None,
        typer.Option(help=f"One of: {', '.join(PEOPLE)}. The first person is an admin."),
    ] = None,
    service: Annotated[
        bool,
        typer.Option(
            "--service", help="No person: what runs by schedule acts as it. It has no password."
        ),
    ] = False,
    facilities: Facilities = None,
    me: Me = "",
    secret_fd: SecretFd = None,
    new_secret_fd: NewSecretFd = None,
) -> None:
    """Add a person. The first one is an admin; an admin adds the others."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.facilities import tied_to
    from clinic.govern.people.operators import add_operator, list_operators
    from clinic.govern.people.service import why_not
    from clinic.govern.tied import codes_of

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        by = name = name or me or settings.operator
        if list_operators(record):
            if (role is None) is not service or role == "service":
                which = f"--role ({', '.join(PEOPLE)}) or --service"
                raise NotAllowed("operator-role", f"say one of both: {which}")
            by = prove_me(record, settings, me, secret_fd, anew=True).name
        role = "service" if service else role or "admin"
        secret = "" if service else ask_secret(f"New password of {name}", new_secret_fd, twice=True)
        added = add_operator(
            record, clock, name=name, role=role, secret=secret, by=by,
            also=tied_to(clock, facilities or (), by=by),
        )  # fmt: skip
        write_anchor(record, anchor_of(settings))
        with record.read() as connection:
            codes, without = (
                codes_of(connection, added.name),
                why_not(connection, settings.operator),
            )
    own = f", with the patients of {' and '.join(codes)} alone" if codes else ""
    console.say(f"{added.name} may now work here as {added.role}{own}.")
    then = [f"cohort operators add NAME --role manager --operator {by}"] if role == "admin" else []
    if without:
        console.say(f"Reminders, the nightly import and retention do not begin: {without}.")
        then.append(f"cohort operators add nightly --service --operator {by}")
    console.next_commands("cohort operators list", *then)


@app.command("facilities")
def facilities_of(
    name: Name,
    only: Facilities = None,
    every: Annotated[bool, typer.Option("--all", help="With the patients of all.")] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Say whose patients a person works with: of some facilities alone, or of all. By an admin.

    Patients of others are neither shown to them nor changed by them. What they asked for before stays theirs.
    """
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.facilities import set_facilities

    if bool(only) == every:
        raise NotAllowed(
            "operator-facilities", "give either --facility CODE, once or more, or --all"
        )
    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd, anew=True)
        own = set_facilities(record, SystemClock(), name=name, codes=only or (), by=by.name)
        write_anchor(record, anchor_of(settings))
    console.say(f"{name} works with the patients of {' and '.join(own) or 'all facilities'}.")
    console.next_commands("cohort operators list")


@app.command()
def disable(name: Name, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Disable a person: they decide nothing any more. What they did stays in the audit trail."""
    from clinic.clock import SystemClock
    from clinic.govern.approvals.approvals import undecidable
    from clinic.govern.audit.trail import write_anchor
    from clinic.practice.leavers.disable import disable as disable_with_all

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd, anew=True)
        left = disable_with_all(record, clock, name=name, by=by.name)
        write_anchor(record, anchor_of(settings))
        stuck = undecidable(record, clock.now())
    console.say(f"{name} is disabled, and signed in nowhere any more.")
    _show_left(left)
    if stuck:  # ALC-45
        numbers = ", ".join(str(asked.id) for asked in stuck)
        console.say(f"[yellow]Nobody can decide these requests now:[/] {numbers}")


@app.command()
def secret(
    name: Name, me: Me = "", secret_fd: SecretFd = None, new_secret_fd: NewSecretFd = None
) -> None:
    """
    A new password: your own, by the old one, or another's, by an admin (--operator ADMIN).

    A password that an admin gave is changed at once: until then two people know it.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.new_secret import require_may_set, set_secret

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me or name, secret_fd, anew=True)
        person = require_may_set(record, name, by)
        new = ask_secret(f"New password of {person.name}", new_secret_fd, twice=True)
        set_secret(record, SystemClock(), name=person.name, secret=new, by=by)
        write_anchor(record, anchor_of(settings))
    console.say(f"{person.name} has a new password.")
    if by.name != person.name:
        console.next_commands(f"cohort operators secret {person.name}")


@app.command()
def unlock(name: Name, me: Me = "", secret_fd: SecretFd = None) -> None:
    """
    End the wait of somebody after wrong passwords: by another admin or manager. Their password stays.

    Without it the wait ends by itself: after a minute, then two, four … an hour at most.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.unlock import unlock_operator

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd, anew=True)
        person = unlock_operator(record, SystemClock(), name=name, by=by)
        write_anchor(record, anchor_of(settings))
    console.say(f"{person.name} need not wait any more. The password is the same as before.")


@app.command()
def clinician(
    name: Name,
    registration: Annotated[
        str, typer.Option(help="The number of their registration: 'GMC 1234567', 'NMC 12A3456B'.")
    ] = "",
    no_more: Annotated[bool, typer.Option("--no-more", help="They are none any more.")] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Say that a person is a registered clinician: they approve campaigns of the class clinical. By an admin.

    What they may do besides is their role's; an admin, who approves nothing, approves none of these either.
    """
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.people.clinicians import set_clinician

    if bool(registration.strip()) == no_more:
        raise NotAllowed(
            "clinician-registration", "give either --registration 'GMC 1234567', or --no-more"
        )
    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd, anew=True)
        set_clinician(record, SystemClock(), name=name, registration=registration, by=by.name)
        write_anchor(record, anchor_of(settings))
    console.say(f"{name} is {'no clinician any more' if no_more else 'a clinician'}.")
    console.next_commands("cohort operators list")


def _show_left(left: Left) -> None:
    """What ended or waits, and what goes on."""
    for says, numbers in (
        ("Operations withdrawn", left.withdrawn),
        ("Campaigns that were not approved yet, cancelled", left.cancelled),
        ("Campaigns that wait until another person takes them over (cohort resume)", left.held),
        ("Campaigns that are being sent and go on (cohort pause)", left.running),
    ):
        if numbers:
            console.say(f"[yellow]{says}:[/] {', '.join(map(str, numbers))}")


app.command()(review)
app.command()(mfa)


def _approves(role: Role, clinical: bool) -> str:
    kinds = [kind for kind in PERMISSIONS if kind != CLINICAL or clinical]
    return ", ".join(kind for kind in kinds if may(role, "approve", kind))
