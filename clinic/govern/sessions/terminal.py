"""
Signed in for an hour: one's password is given once, then a token in the account's own file stands for it.

    <home>/signed-in-1000      the name and a random token, 0600, one for each account of the system
    sign_in                    HMAC under the audit key of token, name, account, end and the password's hash

So a row put in by SQL proves nobody, a new password ends what was signed in with the old one, and so does
disabling the person. It does not stand for the secret where somebody approves (cli/proof.py).
"""

from __future__ import annotations

import hmac
import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.govern.people.operators import Operator, find_operator
from clinic.record.database import Record, key_of
from clinic.record.private import open_private
from clinic.record.schema.govern import operator
from clinic.record.schema.govern import sign_in as table

LASTS: Final = timedelta(hours=1)
IN, OUT = "operator.signed-in", "operator.signed-out"


def sign_in(record: Record, clock: Clock, home: Path, person: Operator) -> datetime:
    """
    From now on this account acts as `person`, until the time that is returned.

    Args:
        person: of `prove`
    """
    token, ends = secrets.token_urlsafe(32), clock.now().replace(microsecond=0) + LASTS
    with record.write() as connection:
        hold(connection, "operators")
        mark = mark_of(connection, token, person.name, ends)
        connection.execute(
            table.delete().where(_mine(person.name) | (table.c.ends_at < clock.now()))
        )
        values = {"operator": person.name, "account": os.getuid(), "mark": mark, "ends_at": ends}
        connection.execute(table.insert().values(**values))
        record_act(
            connection, clock, Act(operator=person.name, operation_type=IN, subject="operator")
        )
    with open_private(_file(home), encoding="utf-8") as file:
        file.write(f"{person.name}\n{token}\n")
    return ends


def signed_in(record: Record, clock: Clock, home: Path, name: str) -> Operator | None:
    """The operator of this name, if this account signed in as them within the hour."""
    found, token = _read(home)
    if not token or found != name:
        return None
    with record.read() as connection:
        row = connection.execute(sa.select(table).where(_mine(name))).first()
        person = find_operator(connection, name)
        if row is None or person is None or not person.active or row.ends_at <= clock.now():
            return None
        right = hmac.compare_digest(row.mark, mark_of(connection, token, name, row.ends_at))
    return person if right else None


def sign_out(record: Record, clock: Clock, home: Path) -> str:
    """End it; whose it was, or nothing if nobody was signed in."""
    name, _ = _read(home)
    _file(home).unlink(missing_ok=True)
    if not name:
        return ""
    with record.write() as connection:
        hold(connection, "operators")
        if connection.execute(table.delete().where(_mine(name))).rowcount:
            act = Act(operator=name, operation_type=OUT, subject="operator")
            record_act(connection, clock, act)
    return name


def name_in(home: Path) -> str:
    """Who this account says it signed in as; not proven."""
    return _read(home)[0]


def _read(home: Path) -> tuple[str, str]:
    """Name and token; nothing if there are none or the file is not this account's alone."""
    try:
        about = _file(home).stat()
        if about.st_uid != os.getuid() or about.st_mode & 0o077:
            return "", ""
        name, token, *_ = [*_file(home).read_text(encoding="utf-8").split("\n"), "", ""]
    except (OSError, UnicodeDecodeError):
        return "", ""
    return name, token


def _file(home: Path) -> Path:
    return home / f"signed-in-{os.getuid()}"


def _mine(name: str) -> sa.ColumnElement[bool]:
    return (table.c.operator == name) & (table.c.account == os.getuid())


def mark_of(connection: sa.Connection, token: str, name: str, ends: datetime) -> str:
    """What the record keeps of a sign-in: worthless without the key of the trail."""
    stored = sa.select(operator.c.secret_hash).where(operator.c.name == name)
    says = [token, name, str(os.getuid()), str(int(ends.timestamp()))]
    text = "\n".join([*says, str(connection.execute(stored).scalar_one_or_none())])
    return hmac.digest(key_of(connection) or b"no key", text.encode(), "sha256").hex()
