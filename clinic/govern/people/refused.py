"""Who is refused a command: because nobody proved to be them, or their role has not the right (NEW-38)."""

from __future__ import annotations

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, find_operator
from clinic.govern.people.roles import RIGHTS, Right, has_right, who_has, with_article
from clinic.record.database import Record
from clinic.settings.installation import account_name

REFUSED = "operator.refused"


def require_right(person: Operator, right: Right | None) -> None:
    """
    Whose role has not the right is told whose has.

    Raises:
        NotAllowed: this role may not
    """
    if right is not None and not has_right(person.role, right):
        raise NotAllowed(
            "right-missing",
            f"{with_article(person.role)} may not {RIGHTS[right]}; {who_has(right)} may: cohort operators list",
        )


def require_here(record: Record, name: str) -> None:
    """
    Nothing begins in the name of somebody who is disabled: a run in Prefect, or by schedule, only names one.

    Raises:
        NotAllowed: they are
    """
    with record.read() as connection:
        person = find_operator(connection, name)
    if person is not None and not person.active:
        raise NotAllowed(
            "requester-left",
            f"{person.name} is disabled: nothing begins in that name. For what runs by schedule an admin adds "
            "a service: cohort operators add NAME --service; set it as operator in the settings",
        )


def write_refusal(record: Record, clock: Clock, *, name: str, command: str, why: str) -> None:
    """
    On the trail: who was refused what, and from which account of the system.

    A name that is nobody's may be a password typed in the wrong place: it is not written down.
    """
    with record.write() as connection:
        known = find_operator(connection, name)
        act = Act(
            operator=known.name if known else "unknown",
            operation_type=REFUSED,
            subject="operator",
            new_values={"command": command, "why": why, "account": account_name()},
            outcome="refused",
        )
        record_act(connection, clock, act)
