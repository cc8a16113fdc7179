"""`cohort server`: the local Prefect server that shows and schedules runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.wiring import get_settings

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    The local Prefect server: its web pages show runs and progress, its scheduler starts what is due.

    It runs in the background until it is stopped. Where the settings name a server
    (prefect_api_url), none is started here.
    """,
)


@app.command()
def start() -> None:
    """Start the server, if it does not run yet, and wait until it answers."""
    from tasks.server import ensure_server, server_status

    settings = get_settings()
    with console.err().status("Starting the Prefect server …"):
        ensure_server(settings)
    console.say(f"The Prefect server answers: {server_status(settings).interface}")
    console.next_commands("cohort message --help", "cohort server stop")


@app.command()
def stop() -> None:
    """Stop the server that this installation started."""
    from tasks.server import stop_server

    stopped = stop_server(get_settings())
    console.say("Stopped." if stopped else "No server of this installation runs.")


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Where the server is, and whether it answers. Exit code 1 if it does not."""
    from tasks.server import server_status

    found = server_status(get_settings())
    if json:
        console.show_json(asdict(found))
    else:
        whose = "started here" if found.ours else "not started here"
        says = f"answers, {whose}" if found.answers else "does not answer"
        console.say(f"{found.interface}: {says}")
        console.next_commands("cohort server stop" if found.answers else "cohort server start")
    if not found.answers:
        raise typer.Exit(1)
