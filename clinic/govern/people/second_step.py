"""
A second step at sign-in: six digits that a person's own device shows for half a minute (NEW-38; RFC 6238).

The device's secret is stored nowhere: it is made of the trail's key, the name and a random word of the
record, so that neither a copy of the database nor the key alone tells a code. A code is taken once: of the
half minute before, this one or the next, and never of one that is not later than the last.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from pyotp import TOTP
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record, key_of
from clinic.record.schema.govern import operator_mfa

SECONDS: Final = 30
ASKED, ENROLLED, RESET = "operator.mfa-asked", "operator.mfa", "operator.mfa-reset"
PRIVILEGED: Final = ("manager", "admin")  # of whom `people.mfa = "required"` asks it


def is_enrolled(connection: Connection, name: str) -> bool:
    """Whether this person's sign-in takes a code."""
    own = (operator_mfa.c.operator == name) & operator_mfa.c.active
    return connection.scalar(sa.select(operator_mfa.c.operator).where(own)) is not None


def ask_second_step(record: Record, clock: Clock, name: str) -> str:
    """
    Begin: what the device reads, as an address or a picture of it. It counts once a code of it was given.

    Args:
        name: of a person who was proven

    Raises:
        NotAllowed: they have one: it is changed by an admin's reset alone
    """
    with record.write() as connection:
        hold(connection, "operators")
        if is_enrolled(connection, name):
            raise NotAllowed(
                "mfa-enrolled",
                f"{name} has a second step; for another device an admin resets it: "
                f"cohort operators mfa {name} --reset",
            )
        nonce = _write(connection, clock, name, active=False, by=name)
        _tell(connection, clock, name, ASKED, by=name)
        return _device(connection, name, nonce).provisioning_uri(name=name, issuer_name="Cohort")


def confirm_second_step(record: Record, clock: Clock, name: str, code: str) -> None:
    """
    From now on this person's sign-in takes a code.

    Raises:
        NotAllowed: the code is not the device's, or was used; or nothing was begun
    """
    with record.write() as connection:
        hold(connection, "operators")
        if not _takes(connection, name, code, clock.now()):
            raise NotAllowed(
                "mfa-code",
                "the code is not the one that the device shows now, or was used already: wait for the next; "
                "is the device's clock right?",
            )
        own = operator_mfa.c.operator == name
        connection.execute(sa.update(operator_mfa).where(own).values(active=True))
        _tell(connection, clock, name, ENROLLED, by=name)


def reset_second_step(record: Record, clock: Clock, *, name: str, by: str) -> None:
    """
    No code is asked of this person any more, until they enrol again: their device is lost.

    Args:
        by: an admin, proven
    """
    with record.write() as connection:
        hold(connection, "operators")
        _write(connection, clock, name, active=False, by=by)
        _tell(connection, clock, name, RESET, by=by)


def takes_code(connection: Connection, name: str, code: str | None, now: datetime) -> bool:
    """Whether this is a code of whoever has enrolled, used for the first time; of others none is asked."""
    return not is_enrolled(connection, name) or _takes(connection, name, code or "", now)


def _takes(connection: Connection, name: str, code: str, now: datetime) -> bool:
    c = operator_mfa.c
    row = connection.execute(
        sa.select(c.nonce, c.last_step).where(c.operator == name).with_for_update()
    ).first()
    if row is None:
        return False
    device, step = _device(connection, name, row.nonce), int(now.timestamp()) // SECONDS
    typed = "".join(code.split()).encode()
    for each in (step - 1, step, step + 1):
        right = device.generate_otp(each).encode()
        if each > row.last_step and hmac.compare_digest(right, typed):
            connection.execute(
                sa.update(operator_mfa).where(c.operator == name).values(last_step=each)
            )
            return True
    return False


def _device(connection: Connection, name: str, nonce: str) -> TOTP:
    text = f"second step\n{name}\n{nonce}"
    secret = hmac.digest(key_of(connection) or b"no key", text.encode(), "sha256")[:20]
    return TOTP(base64.b32encode(secret).decode(), interval=SECONDS)


def _write(connection: Connection, clock: Clock, name: str, *, active: bool, by: str) -> str:
    nonce, own = secrets.token_hex(16), operator_mfa.c.operator == name
    values = {"nonce": nonce, "active": active, "set_at": clock.now(), "set_by": by}
    if not connection.execute(sa.update(operator_mfa).where(own).values(**values)).rowcount:
        connection.execute(sa.insert(operator_mfa).values(operator=name, **values))
    return nonce


def _tell(connection: Connection, clock: Clock, name: str, what: str, *, by: str) -> None:
    act = Act(operator=by, operation_type=what, subject="second step", new_values={"name": name})
    record_act(connection, clock, act, rows={operator_mfa: [name]})
