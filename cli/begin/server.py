"""`cohort server`: the local Prefect server that shows and schedules runs, and the worker that runs them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import Json
from cli.proof import Me, SecretFd, who_acts
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.settings import Settings

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
    """
    Start the server, a worker and a watch, and deploy every flow, where that is not done yet.

    The command waits until the worker has asked the server for work; if it does not, it says why, exit code 2.
    The watch looks every minute what is wrong, and writes to the addresses of health.tell.
    """
    from tasks.prefect.deploying import ensure_deployed
    from tasks.prefect.polls import last_poll, wait_until_polled
    from tasks.prefect.pools import container_worker
    from tasks.processes import identity
    from tasks.processes.environment import apply_environment
    from tasks.processes.server import ensure_server, server_status
    from tasks.processes.watcher import start_watch
    from tasks.processes.workers import start_worker

    settings = get_settings()
    who = identity.read(settings)
    _require_own_version(settings)
    apply_environment(settings)
    with console.err().status("Starting the Prefect server …"):
        ensure_server(settings)
    with console.err().status("Deploying the flows …"):
        news = ensure_deployed(settings, who)
    for says in news or ():
        console.say(says)
    if worker:
        before = last_poll(settings, who)
        with console.err().status("Starting the worker …"):
            if start_worker(settings, who) or who.runs_as == "process":
                wait_until_polled(settings, who, before=before)
        start_watch(settings)
    console.say(f"The Prefect server answers: {server_status(settings).interface}")
    if worker and who.runs_as != "process":
        console.say(f"[yellow]No worker was started:[/] {container_worker(who)}")
    elif worker:
        console.say(f"A worker polls the work pool {who.pool} ({who.label}).")
    if worker:
        _say_who_is_told(settings)
    console.next_commands("cohort message --help", "cohort server stop")


def _require_own_version(settings: Settings) -> None:
    """What this program's worker starts could do nothing with a record of another version."""
    from clinic.record.database import Record
    from clinic.record.version import require_current

    record = Record.open(settings.database_url)
    try:
        require_current(record)
    finally:
        record.close()


def _say_who_is_told(settings: Settings) -> None:
    from clinic.health.letter import addresses

    if not settings.health.watch:
        return
    if told := addresses(settings):
        console.say(f"When something goes wrong, this is written to {', '.join(told)}.")
    else:
        console.say(
            "[yellow]When something goes wrong, nobody is told:[/] "
            "set health.tell and email.host in cohort.toml"
        )


@app.command()
def stop() -> None:
    """Stop the watch, the worker and the server that this installation started."""
    from tasks.processes.watcher import stop_all

    stopped = stop_all(get_settings())
    console.say("Stopped." if stopped else "No server of this installation runs.")


@app.command()
def status(json: Json = False) -> None:
    """
    Whether the server answers, and when a worker asked it for work last.

    Exit code 1 if it does not answer, or no worker has polled within the last minute.
    """
    from tasks.prefect.polls import polling
    from tasks.prefect.sending_queue import PAUSED_SAYS, is_paused
    from tasks.processes import identity
    from tasks.processes.environment import prefect_home
    from tasks.processes.login import login_file
    from tasks.processes.server import server_status
    from tasks.processes.watcher import watch_gone, watch_runs

    settings = get_settings()
    found, who = server_status(settings), identity.known(settings)
    worker = polling(settings, who) if who else None
    paused = found.answers and who is not None and is_paused(settings)
    polls = found.answers and worker is not None and worker.polls
    if json:
        console.show_json(
            {
                **asdict(found),
                "installation": who.label if who else None,
                "pool": who.pool if who else None,
                "worker": worker is not None and worker.worker,
                "polls": polls,
                "seconds_since_poll": worker.seconds if worker else None,
                "queue_paused": paused,
                "watch": watch_runs(settings),
            }
        )
    else:
        whose = "started here" if found.ours else "not started here"
        says = f"answers, {whose}" if found.answers else "does not answer"
        console.say(f"{found.interface}: {says}")
        if worker is not None and who is not None:
            console.say(
                f"{who.label}: {'' if polls else 'no worker takes what is due: '}{worker.says}"
            )
        if watch_gone(settings):
            console.say("[yellow]The watch has ended: nobody is told when something goes wrong.[/]")
        if found.ours:
            where = login_file(prefect_home(settings))
            console.say(f"Its pages ask for a password: it is the whole line in {where}")
        if paused:
            console.say(f"[yellow]{PAUSED_SAYS}[/]")
            console.next_commands("cohort campaigns", "cohort server resume")
        else:
            fine = polls and not watch_gone(settings)
            console.next_commands("cohort server stop" if fine else "cohort server start")
    if not polls:
        raise typer.Exit(1)


@app.command()
def resume(me: Me = "", secret_fd: SecretFd = None) -> None:
    """Resume the queue of messages, which was paused since campaigns halted one after the other."""
    from clinic.clock import SystemClock
    from clinic.govern.audit.hands import tell_resumed
    from tasks.prefect.sending_queue import go_on
    from tasks.processes.environment import apply_environment

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        apply_environment(settings)
        from tasks.guard.asking import (
            quickly,  # imports prefect, which reads its environment once
        )

        with quickly():
            was_paused = go_on(settings)
        if was_paused:
            tell_resumed(record, SystemClock(), by=by, subject="queue")
    console.say("The queue of messages is resumed." if was_paused else "The queue is not paused.")
    console.next_commands("cohort campaigns", "cohort server status")
