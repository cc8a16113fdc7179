"""
People who work here, what their role is, and proof that it is them.

Their password is kept as an argon2id hash. Wrong tries are counted before the password is compared, so that
many at once are no more guesses than one after the other; from the fifth on each makes the next wait
longer. A wrong secret, an unknown name, a disabled operator and one who must wait get the same answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock, SystemClock
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approval_rows import act_on, move, open_requests_of, reopen
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.roles import ROLES, Role, may
from clinic.govern.people.second_step import takes_code
from clinic.govern.people.secrets import hash_secret, is_right
from clinic.record.database import Record
from clinic.record.schema.govern import desk_session, operator, sign_in

FREE_TRIES: Final = 4  # wrong ones in a row before the first wait
LONGEST_WAIT: Final = timedelta(hours=1)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,79}")
_MACHINE: Final = SystemClock()


@dataclass(frozen=True)
class Operator:
    """A person who works here."""

    name: str
    role: Role
    active: bool


Also = Callable[[Connection, Operator], None]


def add_operator(
    record: Record,
    clock: Clock,
    *,
    name: str,
    role: Role,
    secret: str,
    by: str,
    also: Also | None = None,
    hashing: Callable[[str], str] = hash_secret,
) -> Operator:
    """
    Add a person. The very first one is an admin and may be added by anybody; later ones by an admin.

    Args:
        by: the name of a proven admin; for the first operator, who sits at the machine
        also: what is said of them besides, in the same transaction (facilities.py)
        hashing: how the secret is kept: slowly

    Raises:
        NotAllowed: `by` is no admin, the name is taken or no name, the secret too short; or `by` is tied to
            facilities, and this person would not be tied to these
    """
    person = Operator(_named(name), role, active=True)
    if role not in ROLES:
        raise NotAllowed("operator-role", f"there is no such role; there are: {', '.join(ROLES)}")
    # Slow, so before the transaction. Nothing typed is ever the password of a service
    hashed = "none" if role == "service" else hashing(secret)
    with record.write() as connection:
        hold(connection, "operators")
        require_admin(connection, by, adds=role)
        if find_operator(connection, person.name) is not None:
            raise NotAllowed("operator-exists", f"there is already an operator {person.name}")
        values = {"name": person.name, "role": role, "secret_hash": hashed}
        connection.execute(
            operator.insert().values(**values, created_at=clock.now(), created_by=by)
        )
        new = {"name": person.name, "role": role, "active": True}
        if also is not None:  # first: whoever is tied to facilities adds people of these alone
            also(connection, person)
        record_act(connection, clock, _act(by, "operator.added", old=None, new=new))
    return person


def disable_operator(
    record: Record, clock: Clock, *, name: str, by: str, also: Also | None = None
) -> None:
    """
    From now on this person proves nothing and decides nothing. Names are never used again.

    Args:
        also: what ends with them, in the same transaction (clinic/practice/leavers/)

    Raises:
        NotFound: nobody is called so
        NotAllowed: `by` is no admin, or this is the last admin
    """
    with record.write() as connection:
        hold(connection, "operators")
        require_admin(connection, by)
        person = existing_operator(connection, name)
        admins = [o for o in _active(connection) if o.role == "admin"]
        if admins == [person]:
            raise NotAllowed("operator-last-admin", "the last admin stays: add another one first")
        end_operator(connection, clock, person, by=by)
        if also is not None:
            also(connection, person)


def end_operator(
    connection: Connection, clock: Clock, person: Operator, *, by: str, reason: str | None = None
) -> None:
    """
    Disable this person in the caller's transaction: their sign-ins end, and what they asked for.

    What they approved and has not begun waits for another approver again.
    """
    own = operator.c.name == person.name
    connection.execute(operator.update().where(own).values(active=False))
    for table in (sign_in, desk_session):
        connection.execute(table.delete().where(table.c.operator == person.name))
    old = {"name": person.name, "active": person.active}
    new = {"name": person.name, "active": False}
    act = _act(by, "operator.disabled", old=old, new=new)
    record_act(connection, clock, replace(act, reason=reason))
    for asked in reopen(connection, person.name):
        record_act(connection, clock, act_on(asked, "reopened", operator=by))
    for asked in open_requests_of(connection, person.name):
        move(connection, asked, "void", now=clock.now())
        record_act(connection, clock, act_on(asked, "withdrawn", operator=by))


def list_operators(record: Record) -> list[Operator]:
    """Everybody, disabled ones too, by name."""
    with record.read() as connection:
        return [_person(*row) for row in connection.execute(_people().order_by(operator.c.name))]


def get_operator(record: Record, name: str) -> Operator:
    """
    The operator of this name, disabled ones too.

    Raises:
        NotFound: nobody is called so
    """
    with record.read() as connection:
        return existing_operator(connection, name)


def find_operator(connection: Connection, name: str) -> Operator | None:
    """The operator of this name in the caller's transaction."""
    row = connection.execute(_people().where(operator.c.name == name.strip().lower())).first()
    return _person(*row) if row else None


def existing_operator(connection: Connection, name: str) -> Operator:
    """
    The same, of somebody who must be there.

    Raises:
        NotFound: nobody is called so
    """
    person = find_operator(connection, name)
    if person is None:
        raise NotFound("operator-unknown", "there is no such operator; see: cohort operators list")
    return person


def prove(
    record: Record,
    name: str,
    secret: str,
    *,
    clock: Clock = _MACHINE,
    code: str | None = None,
    signed_in: bool = False,
) -> Operator:
    """
    The operator of this name, proven by their password. Takes the same time whatever is wrong.

    Args:
        code: of their second step, if they have one (second_step.py)
        signed_in: they are, so that their code was asked for within the hour

    Raises:
        NotAllowed: code "operator-unproven"; which of the two was wrong is not told
    """
    known, stored = _take_a_try(record, name.strip().lower(), clock.now())
    if is_right(secret, stored) and known is not None:
        with record.write() as connection:
            whole = signed_in or takes_code(connection, known.name, code, clock.now())
            if whole:
                _forget_tries(connection, known.name)
        if whole:
            return known
    with record.write() as connection:
        # An unknown name may be a secret typed in the wrong place: it is not written down
        who = known.name if known else "unknown"
        act = _act(who, "operator.unproven", old=None, new=None, outcome="refused")
        record_act(connection, clock, act)
    raise NotAllowed(
        "operator-unproven",
        "name, password and code (of who has a second step) do not match, or after five wrong tries you must "
        "wait: a minute, then longer each time, an hour at most. An admin or a manager ends the wait: cohort "
        "operators unlock NAME; an admin sets a new password: cohort operators secret NAME. The try was "
        "written to the audit trail",
    )


def _take_a_try(record: Record, name: str, now: datetime) -> tuple[Operator | None, str | None]:
    """Count a try as wrong before it is known to be; (who, the hash to compare with or None)."""
    c = operator.c
    with record.write() as connection:
        row = connection.execute(
            sa.select(operator).where(c.name == name).with_for_update()
        ).first()
        if row is None:
            return None, None
        person = _person(row.name, row.role, row.active)
        no_password = row.role == "service"
        if (
            no_password
            or not row.active
            or (row.locked_until is not None and row.locked_until > now)
        ):
            return person, None
        tries = row.wrong_tries + 1
        connection.execute(
            operator.update()
            .where(c.name == name)
            .values(wrong_tries=tries, locked_until=now + _wait(tries))
        )
    return person, row.secret_hash


def _wait(tries: int) -> timedelta:
    """How long the next try waits: nothing, then 1, 2, 4 … 60 minutes."""
    if tries <= FREE_TRIES:
        return timedelta(0)
    return min(timedelta(minutes=2 ** min(tries - FREE_TRIES - 1, 10)), LONGEST_WAIT)


def _forget_tries(connection: Connection, name: str) -> None:
    connection.execute(
        operator.update().where(operator.c.name == name).values(wrong_tries=0, locked_until=None)
    )


def require_admin(connection: Connection, by: str, *, adds: Role | None = None) -> None:
    """
    Whether `by` may change who works here; of the very first person, who sits at the machine.

    Raises:
        NotAllowed: they may not
    """
    anybody = connection.execute(sa.select(operator.c.name).limit(1)).first() is not None
    if not anybody and adds is not None:
        if adds != "admin":
            raise NotAllowed(
                "operator-first", "the first operator is an admin: who adds the others"
            )
        return
    person = find_operator(connection, by)
    if person is None or not person.active or not may(person.role, "operators"):
        raise NotAllowed("operator-not-admin", "only an admin may add and disable operators")


def _named(name: str) -> str:
    name = name.strip().lower()
    if not _NAME.fullmatch(name):
        raise NotAllowed(
            "operator-name", "a name has 1 to 80 of: a to z, 0 to 9, dot, dash, underscore, @"
        )
    return name


def _people() -> sa.Select[tuple[str, str, bool]]:
    return sa.select(operator.c.name, operator.c.role, operator.c.active)


def _active(connection: Connection) -> list[Operator]:
    return [_person(*row) for row in connection.execute(_people().where(operator.c.active))]


def _person(name: str, role: str, active: bool) -> Operator:
    return Operator(name, cast(Role, role), active)


def _act(
    by: str,
    what: str,
    *,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    outcome: str = "done",
) -> Act:
    return Act(
        operator=by,
        operation_type=what,
        subject="operator",
        old_values=old,
        new_values=new,
        outcome=outcome,
    )
