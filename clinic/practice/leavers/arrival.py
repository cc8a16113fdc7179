"""Asked besides the proof: that somebody was here lately, and a second step where it is required."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinic.errors import NotAllowed

if TYPE_CHECKING:
    from clinic.clock import Clock
    from clinic.govern.people.operators import Operator
    from clinic.record.database import Record
    from clinic.settings import People, Settings


def policy_of(record: Record, settings: Settings) -> People:
    """What is in force: the record's, not file or environment's."""
    from clinic.govern.rules.governed import in_force

    return in_force(record, settings).settings.people


def end_if_dormant(record: Record, clock: Clock, name: str, days: int) -> None:
    """
    Disable whoever was away too long, also where no recurring run has done it yet.

    Raises:
        NotAllowed: it is this person
    """
    from clinic.govern.people.last_use import dormant

    with record.read() as connection:
        if name not in dormant(connection, days, clock.now()):
            return
    from clinic.practice.leavers.disable import disable_dormant

    disable_dormant(record, clock, days=days)
    raise NotAllowed(
        "operator-dormant",
        f"{name} was not here for {days} days and is disabled: an admin adds another name: "
        "cohort operators add NAME --role ROLE",
    )


def require_second_step(record: Record, person: Operator, mfa: str) -> None:
    """
    Where it is required, a manager or admin enrols first.

    Raises:
        NotAllowed: they have not; the command that does it
    """
    from clinic.govern.people.second_step import PRIVILEGED, is_enrolled

    if mfa != "required" or person.role not in PRIVILEGED:
        return
    with record.read() as connection:
        if not is_enrolled(connection, person.name):
            raise NotAllowed(
                "mfa-needed",
                f"a {person.role} here signs in with a second step; enrol your device first: "
                f"cohort operators mfa {person.name}",
            )
