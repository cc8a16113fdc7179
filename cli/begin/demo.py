"""
`cohort demo`: the main job on a practice that does not exist, with everything that can be wrong in a list.

Set up a home ─► make 10,000 synthetic patients ─► write a list of 2,000 with every error ─► message it, live.
Nothing is sent: messages are kept in the outbox, and everything says so. Running it again sends the list again.
"""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console

if TYPE_CHECKING:
    from clinic.govern.people.roles import Role
    from clinic.practice.people import Practice
    from clinic.settings import Settings

SEED = 2026
# Of people who do not exist, at a practice that does not exist, reached from this machine alone
PASSWORD = "croeso i cohort"
PEOPLE: dict[str, Role] = {"ada": "admin", "nia": "operator", "mair": "manager"}
ACTS = "mair"
_DESK_ABOVE = 100  # the desk's port, above Prefect's


def demo(
    home: Annotated[Path, typer.Option(help="Where the demo keeps its files.")] = Path(".cohort/demo"),
    patients: Annotated[int, typer.Option(help="How many patients.", min=2000, max=1_000_000)] = 10_000,
    rows: Annotated[int, typer.Option(help="How many are on the list.", min=100, max=20_000)] = 2_000,
    port: Annotated[int, typer.Option(help="Of the demo's Prefect server.")] = 4200,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier demos did.")] = False,
) -> None:  # fmt: skip
    """
    See the main job run: a synthetic practice, a list with every kind of error, one campaign.

    Takes about half a minute. The patients do not exist, their numbers are never issued, and nothing
    is sent from this machine. The same people and the same list on every machine. It ends with the staff
    desk open, and a login to try.
    """
    from cli.message.options import Manner, What, Who
    from cli.message.session import message_cohort
    from clinic.practice.people import Practice

    settings = _set_up(home.resolve(), port, fresh=fresh)
    console.say("In the demo every hour is open; otherwise working hours hold (cohort init).")
    practice = Practice(seed=SEED, patients=patients)
    with ThreadPoolExecutor(max_workers=1) as pool:
        # The server takes its time to start: meanwhile there are patients to be made up
        server = pool.submit(_start_server, settings)
        _fill(settings, practice)
        _add_people(settings)
        path = _write_list(settings, practice, rows)
        then = message_cohort(
            Who(file=path),
            What(name="Flu clinic (demo)", template="clinic-invite"),
            Manner(again=_ran_before(settings), yes=True, synthetic=True, proven=ACTS),
            use_server=lambda _: server.result(),
        )
    _say_what_next(settings, then)


def _set_up(home: Path, port: int, *, fresh: bool) -> Settings:
    from cli.begin.start import set_up, write_settings
    from cli.wiring import get_settings

    path = home / "cohort.toml"
    write_settings(
        path,
        {
            "home": str(home),
            "prefect_port": port,
            "operator": ACTS,
            "desk.port": port + _DESK_ABOVE,
            "outbox": True,  # nothing is sent, and everything says so
            "organisation.name": "Meddygfa Llanfair",
            "organisation.phone": "029 2018 0123",
            "organisation.id_scheme": "emis",
            "phones.test_range": True,
            "sms.segment_cost": 0.02,
            "release.unusual_times": 0,  # its list may be all of its practice, or ten times the last
            "release.unusual_share": 1,
            "hours.text": {},  # whenever somebody wants to see it
            "hours.voice": {},
        },
    )
    os.environ["COHORT_CONFIG"] = str(path)
    settings = get_settings()
    if fresh:
        _forget(settings)
    set_up(settings)
    return settings


def _forget(settings: Settings) -> None:
    from clinic.record.database import Record
    from clinic.record.migrate import drop_everything

    record = Record.open(settings.database_url)
    drop_everything(record)
    record.close()


def _start_server(settings: Settings) -> None:
    from cli.message.steps import use_server

    use_server(settings)


def _fill(settings: Settings, practice: Practice) -> None:
    from cli.wiring import open_record
    from clinic.clock import SystemClock
    from clinic.practice.synthetic import fill_practice

    with open_record(settings) as record, console.err().status("Making a synthetic practice …"):
        filled = fill_practice(record, practice, clock=SystemClock())
    console.say(
        f"A practice that does not exist: [bold]{filled.patients:,}[/] patients, "
        f"{filled.facilities} surgeries, {filled.providers} providers, "
        f"{filled.appointments:,} appointments, {filled.groups} groups"
    )


def _add_people(settings: Settings) -> None:
    """The staff, once; whoever runs the demo is signed in as one of them for an hour."""
    from cli.wiring import open_record
    from clinic.clock import SystemClock
    from clinic.govern.people.operators import add_operator, list_operators, prove
    from clinic.govern.sessions.terminal import sign_in

    with open_record(settings) as record:
        there = {each.name for each in list_operators(record)}
        for name, role in PEOPLE.items():
            if name not in there:
                add_operator(
                    record,
                    SystemClock(),
                    name=name,
                    role=role,
                    secret=PASSWORD,
                    by=next(iter(PEOPLE)),
                )
        sign_in(record, SystemClock(), settings.home, prove(record, ACTS, PASSWORD))


def _write_list(settings: Settings, practice: Practice, rows: int) -> Path:
    import numpy as np

    from clinic.practice.faulty import faulty_list
    from clinic.record.private import claim

    path = settings.home / "flu-clinic.csv"
    os.close(claim(path))
    path.write_bytes(faulty_list(np.random.default_rng(SEED), rows, practice))
    console.say(f"A list as EMIS writes it, with every kind of error: [bold]{path}[/]")
    return path


def _ran_before(settings: Settings) -> bool:
    """The same list with the same text again must be asked for; the first demo guards it as anybody's."""
    from cli.wiring import open_record
    from clinic.message.outcomes.report import list_campaigns

    with open_record(settings) as record:
        return bool(list_campaigns(record, limit=1))


def _somebody(settings: Settings) -> str:
    """Somebody of the practice who got a message: their own id."""
    from cli.wiring import open_record
    from clinic.message.outcomes.outreach import list_sent

    with open_record(settings) as record:
        return str(next(list_sent(record)).local_id)


def _say_what_next(settings: Settings, then: list[str]) -> None:
    from tasks.processes.server import server_status
    from tasks.processes.staff_desk import start_desk

    config = settings.home / "cohort.toml"
    activate = Path(sys.executable).with_name("activate")
    unknown = shutil.which("cohort") is None and activate.exists()
    console.next_commands(
        *([f"source {_short(activate)}"] if unknown else []),
        f"export COHORT_CONFIG={_short(config)}",
        *then,
        f"cohort patient {_somebody(settings)} --reason care",
        "cohort message --group young-mothers --name 'Baby clinic' --template flu-invite",
        "cohort server stop",
    )
    address = server_status(settings).interface
    console.say(f"\nThe run, its checks and its plot in the Prefect UI: [bold]{address}[/]")
    console.say(
        f"The staff desk, for who does not type commands: [bold]{start_desk(settings)}[/]\n"
        f"Sign in as {' or '.join(PEOPLE)}; password: [bold]{PASSWORD}[/]. At this terminal you are {ACTS} "
        f"for an hour; then: cohort sign-in {ACTS}"
    )


def _short(path: Path) -> Path:
    """As one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
