"""`cohort subject-access`: everything that is held of one person, in a file that they can read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import console
from cli.looks.noting import looked, why
from cli.options import WhyLook
from cli.proof import Me, SecretFd, prove_me
from cli.wiring import get_settings, open_record


def subject_access(
    patient: Annotated[
        str,
        typer.Argument(
            metavar="PERSON",
            help="NHS number, the practice's id, or a telephone number or e-mail address of nobody's record.",
        ),
    ],
    to: Annotated[
        Path, typer.Option("--to", metavar="DIR", help="Where: two files that only you can read.")
    ],
    withhold: Annotated[
        list[str] | None,
        typer.Option(metavar="ENTRY", help="Keep an entry out, such as reply-12; repeatable."),
    ] = None,
    ground: Annotated[
        str,
        typer.Option(help="Why: third-person, serious-harm, expectation, privilege."),
    ] = "third-person",
    disclose: Annotated[
        list[str] | None,
        typer.Option(metavar="ENTRY", help="Checked: show it, it is nobody else's; repeatable."),
    ] = None,
    reason: WhyLook = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Answer a subject access request: everything that is held of one person. A manager's.

    What may be of, or name, somebody else is kept out until a health professional has looked. Run it, let
    them read the file, and run it again with --disclose and --withhold.

      cohort subject-access 9990000018 --reason asked --to answers
      cohort subject-access 9990000018 --reason asked --to answers --withhold reply-12 --ground serious-harm
    """
    from clinic.clock import SystemClock
    from clinic.govern.access.look import Look, at_patient
    from clinic.personal_data.access.request import Request, answer

    settings, asked = get_settings(), why(reason)
    request = Request(
        given=patient,
        reason=f"{asked.code}: {asked.words}" if asked.words else asked.code,
        withheld=withhold or (),
        ground=ground,
        disclosed=disclose or (),
    )
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)

        def looks(key: int | None) -> None:
            look = Look("address") if key is None else at_patient(key)
            looked(record, settings, look, reason=asked)

        done = answer(record, SystemClock(), settings, request, to, by=by, looks=looks)
    console.say(
        f"{done.entries:,} entries are in {done.html} and {done.json}, for you alone to read."
    )
    for code, count in done.withheld.items():
        console.say(f"{count:,} values are withheld: {code}.")
    if done.to_check:
        console.say(
            "A health professional should look at these before the file is given out: "
            + ", ".join(done.to_check[:10])
            + (f" and {len(done.to_check) - 10:,} more" if len(done.to_check) > 10 else "")
        )
    console.say(
        "Give it to that person alone: it has numbers and addresses that may be unsafe for them."
    )
