"""`cohort gateways`: which there are and what each promises, whether it answers, one message to oneself."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import LocalTime, get_settings, governed, open_record

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The gateways by which messages are sent, as the settings name them (docs/gateways.md).

    What each promises, whether it answers, and one message to a number of your own.
    """,
)
_MARKS = {True: "[green]good[/]", False: "[bold red]wrong[/]", None: "[yellow]not asked[/]"}
Name = Annotated[
    str, typer.Argument(help="A gateway's name: http-sms, smtp, or of [gateways.NAME].")
]


@app.command("list")
def list_gateways(json: Json = False) -> None:
    """
    Every gateway that is set, its class and what that promises, and campaigns that wait for each.

    One that is out takes nothing: campaigns that have another gateway are sent through that, and it is said
    since when, why, and when it is tried again. One that is not set any more and that campaigns wait for is
    listed too: put it back.
    """
    from clinic.clock import SystemClock
    from clinic.health.gateways.listed import list_gateways as find
    from clinic.message.failover.standing import says_out

    settings = get_settings()
    with open_record(settings) as record:
        found = find(record, governed(record, settings), SystemClock().now())
    if json:
        return console.show_json([one.as_dict() for one in found])
    console.show_table(
        "Gateways",
        ["Name", "Type", "Sends", "Class", "What it promises", "Receipts", "Waiting"],
        [
            (one.name, one.kind, ", ".join(one.channels) or "nothing", one.gateway_class, one.promises,
             one.receipts, f"{one.waiting:,}")
            for one in found
        ],
        right=(6,),
    )  # fmt: skip
    show = LocalTime(settings).show
    for one in found:
        for standing in one.out:
            console.say(
                f"[bold yellow]{one.name}[/] ({standing.channel}): {says_out(standing, show)}"
            )
        if one.fault:
            console.say(f"[bold red]{one.name}[/]: {escape(one.fault)}")
    console.next_commands(*(f"cohort gateways check {one.name}" for one in found if one.reached))


@app.command()
def check(name: Name, json: Json = False) -> None:
    """
    Whether a gateway answers, knows our login and is set as it must be. Nothing is sent to anybody.

    Exit code 2 if anything is wrong. What was not asked says nothing: a message to yourself shows it.
    """
    from clinic.clock import SystemClock
    from clinic.health.gateways.checked import check_gateway

    found = check_gateway(get_settings(), name, SystemClock())
    if json:
        console.show_json([one._asdict() for one in found])
    else:
        for one in found:
            console.say(f"{_MARKS[one.good]}  {escape(one.says)}")
        console.next_commands("cohort gateways list")
    if any(one.good is False for one in found):
        raise typer.Exit(2)


@app.command("test")
def try_one(
    name: Name,
    to: Annotated[
        str, typer.Option(help="A number or address of your own; none that a patient has.")
    ],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Send one message to a number or address of your own, and say what the gateway answered.

    Refused for a number or address that is on the record. On the trail, without the number.
    """
    from clinic.clock import SystemClock
    from clinic.health.gateways.tried import try_gateway

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        settings = governed(record, settings)
        by = who_acts(record, settings, me, secret_fd)
        tried = try_gateway(record, clock, settings, name, to=to, by=by)
    console.say_plain(tried.says)
    console.next_commands("cohort gateways list", "cohort receipts status")
    if not tried.taken:
        raise typer.Exit(4)
