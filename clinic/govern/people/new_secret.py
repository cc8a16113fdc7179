"""
A new password for an operator: one's own, by the old one; another's by an admin, who cannot read it either.

An admin who gives out a secret knows it until its owner changes it, as with the first one. So the trail
says who set it, and what is approved under that name in between can be judged.
"""

from __future__ import annotations

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, existing_operator, get_operator
from clinic.govern.people.roles import may
from clinic.govern.people.secrets import hash_secret
from clinic.record.database import Record
from clinic.record.schema.govern import operator

OWN, RESET = "operator.secret", "operator.secret-reset"


def require_may_set(record: Record, name: str, by: Operator) -> Operator:
    """
    Whose secret it is, if `by` may set it; asked before a new one is typed.

    Args:
        by: of `prove`: the owner, or an admin

    Raises:
        NotFound: nobody is called so
        NotAllowed: it is another's and `by` is no admin, or the operator is disabled
    """
    person = get_operator(record, name)
    _judge(person, by)
    return person


def require_may_reset(by: Operator, name: str) -> None:
    """
    Whether this person may reset the second step of `name`.

    Raises:
        NotAllowed: it is their own, or they are no admin
    """
    if not may(by.role, "operators") or by.name == name:
        raise NotAllowed("mfa-reset", "another person, an admin, resets a second step")


def set_secret(record: Record, clock: Clock, *, name: str, secret: str, by: Operator) -> None:
    """
    From now on `secret` is the operator's, and wrong tries are forgotten.

    Raises:
        NotFound, NotAllowed: as `require_may_set`, or the secret is too short
    """
    person = require_may_set(record, name, by)
    hashed = hash_secret(secret)  # slow, so before the transaction
    with record.write() as connection:
        hold(connection, "operators")
        # Again: a role may have been taken away while the hash was made
        _judge(existing_operator(connection, person.name), existing_operator(connection, by.name))
        connection.execute(
            operator.update()
            .where(operator.c.name == person.name)
            .values(secret_hash=hashed, wrong_tries=0, locked_until=None)
        )
        record_act(
            connection,
            clock,
            Act(
                operator=by.name,
                operation_type=OWN if by.name == person.name else RESET,
                subject="operator",
                new_values={"name": person.name},
            ),
        )


def _judge(person: Operator, by: Operator) -> None:
    if person.role == "service":
        raise NotAllowed("operator-service", "a service has no password: it runs by schedule alone")
    if not (person.active and by.active):
        raise NotAllowed(
            "operator-disabled", "a disabled operator gets no new password; add another name"
        )
    if person.name != by.name and not may(by.role, "operators"):
        raise NotAllowed("operator-not-admin", "only an admin may set another's password")
