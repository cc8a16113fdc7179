"""`cohort server`: the local Prefect server that shows and schedules runs, and the worker that runs them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli import console
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import get_settings, open_record

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
def start(
    worker: Annotated[
        bool, typer.Option(help="Start a worker too: it runs what the pages and schedules start.")
    ] = True,
) -> None:
    """Start the server and a worker, and deploy every flow, where that is not done yet."""
    from tasks import identity
    from tasks.deploying import ensure_deployed
    from tasks.environment import apply_environment
    from tasks.server import ensure_server, server_status
    from tasks.workers import start_worker

    settings = get_settings()
    who = identity.read(settings)
    apply_environment(settings)
    with console.err().status("Starting the Prefect server …"):
        ensure_server(settings)
    with console.err().status("Deploying the flows …"):
        news = ensure_deployed(settings, who)
    for says in news or ():
        console.say(says)
    if worker:
        start_worker(settings, who)
    console.say(f"The Prefect server answers: {server_status(settings).interface}")
    console.next_commands("cohort message --help", "cohort server stop")


@app.command()
def stop() -> None:
    """Stop the worker and the server that this installation started."""
    from tasks.server import stop_server
    from tasks.workers import stop_worker

    settings = get_settings()
    stopped = [stop_worker(settings), stop_server(settings)]
    console.say("Stopped." if any(stopped) else "No server of this installation runs.")


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False) -> None:
    """Where the server is, and whether it answers. Exit code 1 if it does not."""
    from tasks.environment import prefect_home
    from tasks.login import login_file
    from tasks.sending_queue import PAUSED_SAYS, is_paused
    from tasks.server import server_status
    from tasks.workers import worker_runs

    settings = get_settings()
    found, works = server_status(settings), worker_runs(settings)
    paused = found.answers and is_paused(settings)
    if json:
        console.show_json({**asdict(found), "worker": works, "queue_paused": paused})
    else:
        whose = "started here" if found.ours else "not started here"
        says = f"answers, {whose}" if found.answers else "does not answer"
        console.say(f"{found.interface}: {says}; {'a' if works else 'no'} worker runs here")
        if found.ours:
            where = login_file(prefect_home(settings))
            console.say(f"Its pages ask for a password: it is the whole line in {where}")
        if paused:
            console.say(f"[yellow]{PAUSED_SAYS}[/]")
            return console.next_commands("cohort campaigns", "cohort server resume")
        console.next_commands("cohort server stop" if found.answers else "cohort server start")
    if not found.answers:
        raise typer.Exit(1)
    return None


@app.command()
def resume(me: Me = "", secret_fd: SecretFd = None) -> None:
    """Let the queue of messages go on, which campaigns that halted one after the other have paused."""
    from clinic.clock import SystemClock
    from clinic.govern.hands import tell_resumed
    from tasks.environment import apply_environment
    from tasks.sending_queue import go_on

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        apply_environment(settings)
        from tasks.asking import quickly  # imports prefect, which reads its environment once

        with quickly():
            was_paused = go_on(settings)
        if was_paused:
            tell_resumed(record, SystemClock(), by=by, subject="queue")
    console.say("The queue of messages goes on." if was_paused else "The queue is not paused.")
    console.next_commands("cohort campaigns", "cohort server status")
