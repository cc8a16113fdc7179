"""`cohort pseudonymise`: a copy of the record with synthetic people, for tests and support."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.proof import Me, SecretFd, prove_me
from cli.wiring import get_settings, open_record


def pseudonymise(
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="A new file, which only you can read.")
    ],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Copy the record with synthetic people in it, for tests and support. A manager's.

    Names, numbers and addresses are synthetic, the same for the same person everywhere; each person's days are
    moved by as many; no words of anybody are in it. Keys, codes and counts are as they were: who knows them
    from elsewhere can still tell who is meant, so the copy is not anonymous and is no open data.

      cohort pseudonymise --to for-support.db
    """
    from clinic.clock import SystemClock
    from clinic.personal_data.pseudonymise.copy import pseudonymise as copy

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        counts = copy(record, SystemClock(), to, by=by)
    console.say(
        f"{sum(counts.values()):,} rows of {len(counts)} tables are in {to}, for you alone to read."
    )
    console.say(
        "It is another installation, without settings or trail: nothing can be sent from it as it is."
    )
