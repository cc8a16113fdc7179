"""`cohort patients erase`, `cohort patients restrict`: asked for by one person, approved by another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.options import PatientId, Unasked
from cli.proof import Me, SecretFd, anchor_of, prove_me
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.clock import Clock
    from clinic.record.database import Record

Ground = Annotated[
    str,
    typer.Option(help="Why: the court order, the wrong identity … Stays for ever. No patient."),
]


def erase(
    patient: Annotated[
        str,
        typer.Argument(
            metavar="PERSON",
            help="NHS number or the practice's own id; of whoever is on no record also a telephone number or "
            "an e-mail address.",
        ),
    ],
    ground: Ground,
    yes: Unasked = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Erase a patient: names, addresses, texts, rows of lists and values of operations become empty or a stub.

    First says how many rows of each table, and how many files; nothing is changed until another person approves
    it. The patient's own row stays without values, so that reports still add up, and the trail names
    requester and approver. Killed in the middle, type it again: it goes on. Somebody who is on no record,
    but on a list, in a campaign or in a reply, is erased by what they are known by.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.personal_data.erase.erase import ERASURE, ask, erased, finish_all, plan_erasure
    from clinic.personal_data.erase.strangers import is_stand_in, stand_in, take_back

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        if finish_all(record, clock, settings.home):
            console.say("An erasure that was begun is now done to its end.")
        with record.read() as connection:
            if (before := erased(connection, patient)) is not None:
                return console.say(f"That patient was erased: redaction {before}.")
        key = stand_in(record, patient, settings.phones)
        with record.read() as connection:
            plan = plan_erasure(connection, settings.home, key)
        if set(plan.counts) <= {"patient"} and not plan.files and is_stand_in(record, key):
            take_back(record, key)
            return console.say("Nothing is held of them.")
        rows = [*plan.counts.items(), ("files of the home", plan.files)]
        console.show_table("What would be erased", ["Where", "How many"], rows, right=(1,))
        for says in plan.outside.says:
            console.say(says)
        if not yes and not typer.confirm("Ask another person to approve it?", err=True):
            take_back(record, key)
            return console.say("Nothing was asked for.")
        number = ask(record, clock, settings, key, what=ERASURE, by=by, ground=ground)
        write_anchor(record, anchor_of(settings))
    console.say(f"Request {number}: nothing is erased until another person approves it.")
    return console.next_commands(f"cohort approvals show {number}", f"cohort approve {number}")


def restrict(
    patient: PatientId,
    ground: Ground,
    lift: Annotated[bool, typer.Option("--lift", help="End the restriction.")] = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Keep a patient's data and use them for nothing: no message, list, export or operation. Another approves it.

    Obeyed at the check, where the review counts them, and once more when a batch is sent.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.message.outcomes.outreach import find_patient
    from clinic.personal_data.erase.erase import LIFT, RESTRICTION, ask, is_restricted_now
    from clinic.personal_data.erase.outside import outside_of

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        with record.read() as connection:
            key = find_patient(connection, patient)
            holds = is_restricted_now(connection, key)
            outside = outside_of(connection, [key])
        if holds is not lift:
            return console.say("That is so already: nothing was asked for.")
        what = LIFT if lift else RESTRICTION
        number = ask(record, SystemClock(), settings, key, what=what, by=by, ground=ground)
        write_anchor(record, anchor_of(settings))
    for says in () if lift else outside.says:
        console.say(says)
    console.say(f"Request {number}: nothing changes until another person approves it.")
    return console.next_commands(f"cohort approvals show {number}", f"cohort approve {number}")


def reinstate(
    patient: PatientId,
    ground: Ground,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Let somebody who was erased be imported again: they have come back as a patient. A manager decides it.

    An import leaves them out and counts them (erased_before) until then. What was erased stays erased.
    """
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.personal_data.erase.came_back import reinstate as let_in

    settings = get_settings()
    with open_record(settings) as record:
        by = prove_me(record, settings, me, secret_fd)
        number = let_in(record, SystemClock(), patient, by=by, ground=ground)
        write_anchor(record, anchor_of(settings))
    console.say(f"The next import takes them in as a new patient; erasure {number} stands.")
    console.next_commands("cohort patients import patients.csv")


def erase_again(record: Record, clock: Clock, home: Path, listed: Path | None = None) -> None:
    """Do again what was decided since this record was copied; said, where there was something to do."""
    from clinic.personal_data.erase.erase import apply_said, finish_all

    finish_all(record, clock, home)
    done = apply_said(record, clock, home, listed, phones=get_settings().phones)
    if done:
        told = ", ".join(f"{what} ×{count:,}" for what, count in done.items())
        console.say(f"Done again, from the list of erasures: {told}.")
