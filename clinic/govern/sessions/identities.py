"""
Who an operator is at an OpenID provider: linked once, by the person themself, with their password just given.

So no administrator can make another's account their own. The mark is keyed: a row put in by SQL proves nobody.
A link ends with its person, by themself, or when their password is set again by somebody else.
"""

from __future__ import annotations

import hmac
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, find_operator
from clinic.record.database import Record, key_of
from clinic.record.schema.govern import operator
from clinic.record.schema.govern import operator_identity as table

LINKED, UNLINKED = "operator.identity-linked", "operator.identity-unlinked"


def link(record: Record, clock: Clock, person: Operator, *, issuer: str, subject: str) -> None:
    """
    From now on who signs in there as `subject` is this person here. Again: as it was.

    Raises:
        NotAllowed: it is somebody else's already
    """
    with record.write() as connection:
        hold(connection, "operators")
        row = connection.execute(_row(issuer, subject)).first()
        if row is not None and row.operator != person.name:
            raise NotAllowed(
                "identity-taken",
                "that account of the provider is linked to somebody else: they take it back on their page "
                "'Where you are signed in'; nothing was changed",
            )
        connection.execute(
            table.delete().where(table.c.issuer == issuer, table.c.operator == person.name)
        )
        mark = _mark(connection, issuer, subject, person.name)
        connection.execute(
            table.insert().values(
                issuer=issuer, subject=subject, operator=person.name, mark=mark, linked_at=clock.now()
            )
        )  # fmt: skip
        _tell(connection, clock, person.name, LINKED, issuer)


def unlink(record: Record, clock: Clock, person: Operator) -> None:
    """Take all links of this person back."""
    with record.write() as connection:
        hold(connection, "operators")
        own = table.c.operator == person.name
        for issuer in connection.scalars(sa.select(table.c.issuer).where(own)).all():
            _tell(connection, clock, person.name, UNLINKED, issuer)
        connection.execute(table.delete().where(own))


def person_of(record: Record, *, issuer: str, subject: str) -> Operator | None:
    """Whoever is linked to this account of the provider, if they still work here."""
    with record.read() as connection:
        row = connection.execute(_row(issuer, subject)).first()
        if row is None:
            return None
        person = find_operator(connection, row.operator)
        right = hmac.compare_digest(row.mark, _mark(connection, issuer, subject, row.operator))
    return person if right and person is not None and person.active else None


def linked_since(record: Record, name: str) -> datetime | None:
    """Since when somebody signs in with a provider; None: they do not."""
    with record.read() as connection:
        return connection.scalar(sa.select(table.c.linked_at).where(table.c.operator == name))


def _row(issuer: str, subject: str) -> sa.Select[tuple[str, str]]:
    own = (table.c.issuer == issuer) & (table.c.subject == subject)
    return sa.select(table.c.operator, table.c.mark).where(own)


def _mark(connection: Connection, issuer: str, subject: str, name: str) -> str:
    """With the password's hash in it: a new password ends the link, as it ends what was signed in."""
    stored = sa.select(operator.c.secret_hash).where(operator.c.name == name)
    says = ["identity", issuer, subject, name, str(connection.execute(stored).scalar_one_or_none())]
    return hmac.digest(key_of(connection) or b"no key", "\n".join(says).encode(), "sha256").hex()


def _tell(connection: Connection, clock: Clock, name: str, kind: str, issuer: str) -> None:
    act = Act(operator=name, operation_type=kind, subject="operator", new_values={"issuer": issuer})
    record_act(connection, clock, act)
