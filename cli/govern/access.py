"""`cohort audit who-saw` and `cohort audit odd-looks`: the access log, as people ask for it (NEW-37)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from cli import console
from cli.looks.noting import looked, why
from cli.options import Json, Newest, PatientId, WhyLook
from cli.proof import Me, SecretFd, prove_me
from cli.times import day
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.govern.access.odd import OddLook
    from clinic.govern.access.who_saw import Seen
    from clinic.govern.people.operators import Operator

Since = Annotated[
    datetime | None,
    typer.Option("--since", parser=day, metavar="DAY", help="From this day on."),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", parser=day, metavar="DAY", help="Until the end of this day."),
]


def who_saw(
    known_as: PatientId,
    since: Since = None,
    until: Until = None,
    limit: Newest = 100,
    reason: WhyLook = "",
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Who looked at a patient, alone or in a list, a campaign or an operation, and why; newest first.

    A look that showed only a part of a campaign may have shown them: such a one says "12 of 400". That you ask
    is a look too. Of what was looked at before the log began, nothing is known.
    """
    from clinic.govern.access.look import at_patient
    from clinic.govern.access.who_saw import who_saw as find
    from clinic.govern.audit_read.person import person_of

    settings, asked = get_settings(), why(reason)
    days = LocalTime(settings)
    with open_record(settings) as record:
        require_audit(prove_me(record, settings, me, secret_fd))
        with record.read() as connection:
            key = person_of(connection, known_as)
            found = find(
                connection, key, since=days.begin(since), until=days.end(until), limit=limit
            )
        looked(record, settings, at_patient(key), reason=asked)
    if json:
        return console.show_json([asdict(one) for one in found])
    console.show_table(
        f"Who saw this patient: {len(found)} looks",
        ["When", "Who", "Role", "From", "Command", "Of", "Shown", "Why"],
        [
            (
                days.show(one.at), one.person if one.proven else f"{one.person}, not proven",
                one.role or "", f"{one.account} on {one.host}", one.command, _of(one), _shown(one),
                _why(one),
            )
            for one in found
        ],
    )  # fmt: skip
    return console.next_commands("cohort audit odd-looks")


def _of(one: Seen) -> str:
    by_number = one.subject_id is not None and one.subject != "patient"
    return f"{one.subject} {one.subject_id}" if by_number else one.subject


def _shown(one: Seen) -> str:
    if one.refused:
        return f"refused: {one.refused}"
    if one.certainly:
        return "yes"
    return f"perhaps: {one.patients:,} of {one.of_all:,}" if one.of_all else "perhaps"


def _why(one: Seen) -> str:
    from clinic.govern.access.reasons import WORK

    if one.refused:
        return ""
    if one.reason == WORK:
        return f"work on {_of(one)}" if one.subject != "patient" else "work"
    return f"{one.reason}: {one.words}" if one.words else one.reason


def odd(
    since: Annotated[
        datetime | None,
        typer.Option("--since", parser=day, metavar="DAY", help="From this day on; else a week."),
    ] = None,
    json: Json = False,
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Looks at patients that somebody should ask about: own surname or address, many in an hour, out of hours …

    Each is a question, no accusation. Staff and times are named, no patient. What counts as odd is set in
    [access]. The weekly letter of `cohort health` says how many there are until somebody has looked here.
    """
    from clinic.clock import SystemClock
    from clinic.govern.access.look import Look
    from clinic.govern.access.odd import ODD, SUBJECT, counted, odd_looks

    settings = get_settings()
    days, now = LocalTime(settings), SystemClock().now()
    with open_record(settings) as record:
        require_audit(prove_me(record, settings, me, secret_fd))
        zone = ZoneInfo(settings.organisation.time_zone)
        begin = days.begin(since) or now - timedelta(days=7)
        with record.read() as connection:
            found = odd_looks(connection, settings.access, zone, since=begin, until=now)
        looked(record, settings, Look(SUBJECT))
    if json:
        return console.show_json([asdict(one) for one in found])
    console.show_table(
        f"Odd looks since {days.show(begin)}: {len(found)}",
        ["No", "When", "Who", "Command", "Of", "Patients", "Why"],
        [_row(one, days) for one in found],
        right=(0, 5),
    )
    for kind in dict.fromkeys(one.why for one in found):
        console.say(f"{kind}: {ODD[kind]}.")
    if found:
        console.say(f"{counted(found)}.")
    return None


def _row(one: OddLook, days: LocalTime) -> tuple[object, ...]:
    return (one.number, days.show(one.at), one.person, one.command, one.of, one.patients, one.why)


def require_audit(by: Operator) -> None:
    """
    Whether they may read who looked at whom, and what was changed.

    Raises:
        NotAllowed: the role may not
    """
    from clinic.errors import NotAllowed
    from clinic.govern.people.roles import may

    if not may(by.role, "audit"):
        raise NotAllowed("audit-role", "who looked at whom is read by a manager")
