"""Whether the sender may ask for a campaign that takes a second approver: judged before it is made (NEW-1)."""

from __future__ import annotations

from clinic.errors import NotAllowed
from clinic.govern.people.operators import find_operator
from clinic.govern.people.refused import require_right
from clinic.govern.people.roles import CLINICAL, may, who_may
from clinic.message.audience.clinical import is_clinical
from clinic.record.database import Record
from clinic.record.schema.lists import template_version
from clinic.record.template_versions import select_version
from clinic.settings import Settings


def require_may_ask(
    record: Record, settings: Settings, sender: str, *, named: bool, key: str, version: int | None
) -> None:
    """
    Whether this person may ask for it, as far as is known before its list is read.

    A campaign that only turns out to be large when its rows are judged is refused then, by the same rule
    (clinic/message/prepare/approve.py), and nothing of it stays behind.

    Args:
        named: the request names its sender; else it is the operator of the settings
        key, version: of the template; None: its newest

    Raises:
        NotAllowed: their role may not
    """
    with record.read() as connection:
        person = find_operator(connection, sender)
        if named and person is not None:
            require_right(person, "send")
        found = connection.scalar(select_version(key, version, template_version.c.id))
        clinical = found is not None and is_clinical(connection, found)
    if not clinical and settings.release.approval_above != 0:
        return
    kind = CLINICAL if clinical else "campaign"
    if person is None or not person.active or not may(person.role, "request", kind):
        raise NotAllowed(
            "request-not-allowed",
            f"this takes a second approver, and {sender} may not ask for one: the requester must be an active "
            f"operator, and {who_may('request', kind)}; an admin adds one: cohort operators add",
        )
