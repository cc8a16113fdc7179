"""
Who was erased and stands in an import again: not imported unseen, and not for ever kept out.

Of who was erased a keyed digest of the NHS number is kept, as the log of the erasure and so that a restored
record is told again (said.py). By it an import knows them: the row is counted and left out until a manager says
that this person is a patient again. What was erased stays erased; they come in as a new patient. Somebody
without an NHS number is not known by anything that was kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import may, who_may
from clinic.personal_data.erase.whom import digest_of_person
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, redaction

REINSTATED: Final = "patient.reinstated"


def erased_before(connection: Connection, nhs_numbers: Iterable[str]) -> set[str]:
    """Which of these are of somebody who was erased, and whom nobody has let in again."""
    known = _erased(connection)
    if not known:
        return set()
    return {number for number in nhs_numbers if digest_of_person(connection, number, 0) in known}


def reinstate(record: Record, clock: Clock, nhs_number: str, *, by: Operator, ground: str) -> int:
    """
    Let the next import take this person in again; the number of the erasure.

    Raises:
        NotFound: nobody with this number was erased, or they are let in already
        NotAllowed: it is a manager's to decide, or the ground is missing or has the number in it
    """
    if not may(by.role, "approve", "erasure"):
        raise NotAllowed(
            "reinstate-role",
            f"it is decided by {who_may('approve', 'erasure')}: cohort operators list",
        )
    number = "".join(nhs_number.split())
    if len(ground.strip()) < 3 or number in "".join(ground.split()):
        raise NotAllowed(
            "reinstate-ground", "say why, without the patient's name or number: it stays for ever"
        )
    with record.write() as connection:
        key = _erased(connection).get(digest_of_person(connection, number, 0))
        if key is None:
            raise NotFound(
                "reinstate-nobody",
                "nobody with this NHS number was erased here and waits to be let in",
            )
        act = Act(
            operator=by.name, operation_type=REINSTATED, subject="redaction", subject_id=key,
            patients_affected=1, reason=ground.strip(),
        )  # fmt: skip
        record_act(connection, clock, act)
    return key


def _erased(connection: Connection) -> dict[str, int]:
    """Digest → the newest erasure, of whom it was the last that was said."""
    r, a = redaction.c, audit_act.c
    again = sa.exists().where(
        a.subject == "redaction", a.subject_id == r.id, a.operation_type == REINSTATED
    )
    rows = connection.execute(
        sa.select(r.who, r.id, again).where(r.who.is_not(None), r.kind == "erasure").order_by(r.id)
    )
    newest = {who: (key, is_in) for who, key, is_in in rows}
    return {who: key for who, (key, is_in) in newest.items() if not is_in}
