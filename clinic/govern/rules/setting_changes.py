"""
A governed setting gets another value: asked for by a proven person, approved by another, on the trail.

The approval is bound to the setting, its new value and the one that it replaces. So one that was approved
for another state of things changes nothing. Where nobody works here yet there is no second approver: the
change is made at once, as the first operator is added.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotFound, SettingsWrong
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.approvals import request_approval, require_approved
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, write_act
from clinic.govern.people.operators import Operator
from clinic.govern.rules.governed import GOVERNED, SUBJECT, as_text, held_values, with_values
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.settings import governed_setting
from clinic.settings import Settings
from clinic.settings.section import nearest


def ask_change(
    record: Record,
    clock: Clock,
    settings: Settings,
    *,
    name: str,
    value: Any,
    by: Operator | None,
    reason: str,
) -> int | None:
    """
    Ask for another value; the number of the request. None: nobody works here yet, and it is changed.

    Args:
        by: of `prove`; None where there are no operators

    Raises:
        NotFound: it is no governed setting; the nearest one
        SettingsWrong: the value makes no sense, or is the one in force
        NotAllowed: this role may not ask, or there are operators and nobody was proven
    """
    require_governed(name)
    value = checked(settings, name, value)
    with record.write() as connection:
        hold(connection, "settings")
        before = held_values(connection).get(name)
        if before == value:
            raise SettingsWrong("setting-same", f"{name} is {as_text(value)} already")
        if by is None and not anybody(connection):
            _write(connection, name, before, value, now=clock.now(), by=settings.operator, via=None)
            return None
        return request_approval(
            connection,
            clock,
            subject=SUBJECT,
            subject_id=GOVERNED.index(name) + 1,
            kind="setting",
            digest=_digest(name, before, value),
            requested_by=by.name if by else "",
            summary={"setting": name, "from": as_text(before), "to": as_text(value)},
            reason=reason,
            flow_run_id=None,
            expires_in=timedelta(hours=settings.release.approval_hours),
        )


def apply_change(record: Record, clock: Clock, asked: Approval) -> str:
    """
    Put an approved change in force, once; the setting's name.

    Raises:
        NotAllowed: it is not approved, or the setting has changed since
    """
    name, value = str(asked.summary["setting"]), orjson.loads(str(asked.summary["to"]))
    with record.write() as connection:
        hold(connection, "settings")
        before = held_values(connection).get(name)
        used = require_approved(
            connection,
            subject=SUBJECT,
            subject_id=asked.subject_id,
            digest=_digest(name, before, value),
            now=clock.now(),
        )
        _write(connection, name, before, value, now=clock.now(), by=used.requested_by, via=used)
    return name


def anybody(connection: Connection) -> bool:
    """Whether there are operators, so that a second approver can be asked."""
    return connection.execute(sa.select(operator.c.name).limit(1)).first() is not None


def checked(settings: Settings, name: str, value: Any) -> Any:
    """
    The value as the settings would hold it.

    Raises:
        SettingsWrong: it makes no sense
    """
    try:
        changed = with_values(settings, {name: value})
    except ValidationError as error:
        says = "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())
        raise SettingsWrong("settings", f"{name}: {says}") from None
    section, _, last = name.rpartition(".")
    return getattr(changed, section).model_dump(mode="json")[last]


def require_governed(name: str) -> None:
    """
    Refuse a name that is no governed setting.

    Raises:
        NotFound: with the nearest one
    """
    if name not in GOVERNED:
        meant = nearest(name, GOVERNED)
        raise NotFound(
            "setting-not-governed",
            f"{name} is no setting that the record governs; the nearest is {meant}. The others are "
            "changed in cohort.toml; all with their places: cohort settings",
        )


def _write(
    connection: Connection,
    name: str,
    before: Any,
    value: Any,
    *,
    now: datetime,
    by: str,
    via: Approval | None,
) -> None:
    row: dict[str, Any] = {
        "value": as_text(value),
        "set_at": now,
        "set_by": by,
        "approved_by": via.decided_by if via else None,
        "approval_id": via.id if via else None,
    }
    found = connection.execute(
        governed_setting.update().where(governed_setting.c.name == name).values(**row)
    )
    if not found.rowcount:
        connection.execute(governed_setting.insert().values(name=name, **row))
    act = Act(
        operator=by,
        approver=row["approved_by"],
        operation_type="setting.changed",
        subject=SUBJECT,
        subject_id=GOVERNED.index(name) + 1,
        old_values={name: before},
        new_values={name: value},
        reason=via.reason if via else None,
    )
    write_act(connection, act, now, rows={governed_setting: [name]})


def _digest(name: str, before: Any, value: Any) -> str:
    return hashlib.sha256(as_text([name, before, value]).encode()).hexdigest()
