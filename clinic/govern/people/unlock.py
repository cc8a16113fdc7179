"""
The way back for somebody who must wait after wrong tries: another person ends the wait.

    five wrong tries ──► a wait of 1, 2, 4 … 60 minutes, which ends by itself
                    └──► ended at once by another who may, proven, and on the trail

It does not let anybody in: the secret stays, and the next wrong tries are counted from nothing. So a
manager may do it too, or the only admin could be kept out by whoever types a wrong secret every hour.
"""

from __future__ import annotations

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, existing_operator
from clinic.record.database import Record
from clinic.record.schema.govern import operator

UNLOCKED = "operator.unlocked"
_MAY = ("admin", "manager")


def unlock_operator(record: Record, clock: Clock, *, name: str, by: Operator) -> Operator:
    """
    Forget the wrong tries of `name`, so that they need not wait.

    Args:
        by: of `prove`

    Raises:
        NotFound: nobody is called so
        NotAllowed: `by` is that person, or neither admin nor manager, or one of both is disabled
    """
    with record.write() as connection:
        hold(connection, "operators")
        person = existing_operator(connection, name)
        acting = existing_operator(connection, by.name)  # as they are now
        if not acting.active or acting.role not in _MAY:
            raise NotAllowed("unlock-role", "an admin or a manager ends the wait of somebody else")
        if acting.name == person.name:
            raise NotAllowed(
                "unlock-own", "another admin or manager ends your wait, or it ends itself"
            )
        if not person.active:
            raise NotAllowed("operator-disabled", "a disabled operator stays out; add another name")
        connection.execute(
            operator.update()
            .where(operator.c.name == person.name)
            .values(wrong_tries=0, locked_until=None)
        )
        act = Act(
            operator=acting.name,
            operation_type=UNLOCKED,
            subject="operator",
            new_values={"name": person.name},
        )
        record_act(connection, clock, act)
    return person
