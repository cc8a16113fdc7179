"""`cohort doctor`: how well this installation is kept, as an inspection would ask."""

from __future__ import annotations

import typer

from cli import console
from cli.options import Json
from cli.wiring import get_settings

_SAYS = {"good": "good", "unseen": "not seen", "wrong": "WRONG"}


def doctor(json: Json = False) -> None:
    """
    Who can read the files, what is encrypted, processors, backups, clock, versions, purposes: and what to do.

    Nothing is changed, and nothing is sent. What goes wrong from hour to hour is in: cohort health. What
    cannot be seen from here, a person confirms.

    Exit code 0: nothing is wrong; 2: something is to be put right.
    """
    from dataclasses import asdict

    from cli.begin.looking import read_record
    from clinic.clock import SystemClock
    from clinic.health.doctor import examine, versions_of
    from clinic.health.machine import Machine
    from clinic.settings.read.layers import read_layers

    settings = get_settings()
    files = tuple(file.path for file in read_layers() if file.path is not None)
    record = read_record(settings)
    found = examine(
        settings, files, record, SystemClock().now(), Machine(), versions_of(settings.database_url)
    )
    wrong = sum(one.stands == "wrong" for one in found)
    if json:
        console.show_json({"kept": not wrong, "checks": [asdict(one) for one in found]})
    else:
        console.show_table(
            "How this installation is kept",
            ["What", "Stands", "How it is", "Do"],
            [(one.subject, _SAYS[one.stands], one.says, one.do and f"{one.do}.") for one in found],
        )
        console.say("Nothing is wrong." if not wrong else f"To be put right: {wrong:,}.")
        console.next_commands("cohort health", "cohort purposes")
    raise typer.Exit(2 if wrong else 0)
