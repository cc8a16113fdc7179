"""`cohort deploy`: register work pool and flows with Prefect; write the files of servers and containers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.wiring import get_settings

if TYPE_CHECKING:
    from clinic.settings import Settings


def deploy(
    pool: Annotated[
        Literal["process", "docker", "kubernetes"] | None,
        typer.Option(
            help="What runs are started as; refused where the settings (runs.pool) say another."
        ),
    ] = None,
    files: Annotated[
        Path | None,
        typer.Option(
            help="Write Containerfile, compose.yaml and units of systemd here, and deploy nothing."
        ),
    ] = None,
) -> None:
    """
    Register this installation's work pool and every flow with the Prefect server.

    The server is the one of the settings, or the local one, which is started if need be. What people
    changed there is set back to what the settings say, and named; what they paused stays paused.
    No worker is started.
    """
    if files is not None:
        _write(files)
        return
    settings = get_settings()
    _require_pool(settings, pool)
    _deploy(settings)


def _write(folder: Path) -> None:
    from tasks.deploy.files import write_files

    for path in write_files(folder):
        console.say(str(path))
    console.say("What each is for, and how it is used, is written at its head.")


def _require_pool(settings: Settings, pool: str | None) -> None:
    from clinic.errors import MendableError

    if pool is not None and pool != settings.runs.pool:
        raise MendableError(
            "pool-otherwise",
            f"runs are started as {settings.runs.pool} by the settings, not as {pool}. Workers and commands "
            f'read the settings too: write pool = "{pool}" under [runs] (and image and volume for '
            "containers), then deploy again",
        )


def _deploy(settings: Settings) -> None:
    from tasks.prefect.deploying import ensure_deployed
    from tasks.prefect.pools import container_worker
    from tasks.processes import identity
    from tasks.processes.environment import apply_environment
    from tasks.processes.server import ensure_server

    who = identity.read(settings)
    apply_environment(settings)
    ensure_server(settings)
    with console.err().status("Deploying the flows …"):
        news = ensure_deployed(settings, who)
    for says in news or ():
        console.say(says)
    console.say(
        f"The server has every flow as it should be, in the work pool {who.pool} ({who.label})."
        if news is None
        else f"Deployed: every flow, into the work pool {who.pool} ({who.label})."
    )
    if who.runs_as == "process":
        console.next_commands("cohort server start", "cohort server status")
    else:
        console.say(container_worker(who))
        console.next_commands("cohort server status")
