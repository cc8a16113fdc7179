"""`cohort objection`: what a patient says of messages on the telephone or at the desk."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli import console
from cli.options import PatientId
from cli.proof import Me, SecretFd, who_acts
from cli.times import day
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.practice.objection import What


def objection(
    patient: PatientId,
    purpose: Annotated[
        str,
        typer.Option(
            help="care, administration, recall, feedback, research, marketing; any for all."
        ),
    ],
    channel: Annotated[
        Literal["sms", "email", "voice", "any"], typer.Option(help="By which channel; any for all.")
    ] = "any",
    lift: Annotated[
        bool, typer.Option("--lift", help="They object no more: an end to what was said before.")
    ] = False,
    consent: Annotated[
        bool,
        typer.Option(
            "--consent", help="They consent: what marketing needs, where silence is no yes."
        ),
    ] = False,
    on: Annotated[
        datetime | None,
        typer.Option(metavar="DAY", parser=day, help="The day they said it, if not today."),
    ] = None,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Note that a patient objects to messages for a purpose, objects no more, or consents.

    For what is said on the telephone, at the desk or in a letter. It counts for every template of that purpose
    and for free text, also for what waits already; of what a patient said, the latest counts.

      cohort objection 9990000018 --purpose feedback --channel sms
      cohort objection 9990000018 --purpose feedback --channel sms --lift
      cohort objection 9990000018 --purpose marketing --channel email --consent
    """
    from clinic.clock import SystemClock
    from clinic.errors import CohortRefused
    from clinic.message.outcomes.outreach import find_patient
    from clinic.practice.objection import Told, note_decision, when_said
    from clinic.values.purposes import ANY, purpose_in

    if lift and consent:
        raise CohortRefused("request-invalid", "type --lift or --consent: one of them")
    about = ANY if purpose == ANY else purpose_in(purpose)
    settings, clock = get_settings(), SystemClock()
    what: What = "lifts" if lift else "consents" if consent else "objects"
    now, zone = clock.now(), LocalTime(settings).zone
    told = Told(what, about, channel, when_said(on.date(), what, zone, now) if on else now)
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        with record.read() as connection:
            who = find_patient(connection, patient)
        counts = note_decision(record, clock, who, told, by=by)
    which = "messages" if about == ANY else f"messages for {about}"
    way = "any channel" if channel == ANY else channel
    says = {"objects": "objects to", "lifts": "objects no more to", "consents": "consents to"}
    console.say(f"Noted: the patient {says[told.what]} {which} by {way}.")
    if not counts:
        console.say(
            "[yellow]What they said later counts[/]: this is noted as of its day and changes nothing."
        )
    console.next_commands("cohort purposes")
