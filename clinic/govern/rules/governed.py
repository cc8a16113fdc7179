"""
Settings that one person alone may not change: who approves, how many, when, and when to stop.

    cohort.toml ──► the record, once, at `cohort init` ──► in force
                       ▲
    asked for by a proven person ──► approved by another   (clinic/govern/rules/setting_changes.py)

What the file or the environment says of them afterwards is not in force, and told of: the environment is
the requester's own. A record that was never set up by `cohort init` has none, and the settings count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.govern.audit.chain import hold
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.settings import governed_setting
from clinic.settings import Settings

# A change is asked for by its place here: add at the end
GOVERNED: Final = (
    "release.approval_above",
    "release.approval_hours",
    "organisation.campaign_cap",
    "operations.cap",
    "operations.approval_hours",
    "hours.text",
    "hours.voice",
    "hours.country",
    "hours.subdivision",
    "hours.closed",
    "halt.failures",
    "halt.batches",
    "halt.least",
    "halt.ambiguous",
    "organisation.time_zone",
    "organisation.facility_zones",
    "hours.christmas",
    "people.dormant_days",
    "people.mfa",
    "people.privacy_deciders",
)
SUBJECT: Final = "setting"


@dataclass(frozen=True)
class InForce:
    """The settings as the record has them, and those of file and environment that are not in force."""

    settings: Settings
    ignored: tuple[str, ...] = ()


def in_force(record: Record, settings: Settings) -> InForce:
    """The settings that count: what the record governs, over what file and environment say."""
    with record.read() as connection:
        held = held_values(connection)
    usual = Settings()
    ignored = [
        name
        for name, value in held.items()
        if value_of(settings, name) not in (value, value_of(usual, name))
    ]
    return InForce(with_values(settings, held), tuple(ignored))


def take_first_values(record: Record, clock: Clock, settings: Settings, *, by: str) -> None:
    """Put into the record what it does not hold yet, as file and environment have it. Again: nothing."""
    with record.write() as connection:
        hold(connection, "settings")
        held = held_values(connection)
        first = {name: value_of(settings, name) for name in GOVERNED if name not in held}
        if not first:
            return
        rows = [
            {"name": name, "value": as_text(value), "set_at": clock.now(), "set_by": by}
            for name, value in first.items()
        ]
        connection.execute(governed_setting.insert(), rows)
        act = Act(operator=by, operation_type="setting.first", subject=SUBJECT, new_values=first)
        record_act(connection, clock, act, rows={governed_setting: list(first)})


def held_values(connection: Connection) -> dict[str, Any]:
    """What the record holds, by name, in the order of GOVERNED."""
    c = governed_setting.c
    found = {
        row.name: orjson.loads(row.value) for row in connection.execute(sa.select(c.name, c.value))
    }
    return {name: found[name] for name in GOVERNED if name in found}


def value_of(settings: Settings, name: str) -> Any:
    """The value of a setting as JSON has it."""
    section, _, last = name.rpartition(".")
    return getattr(settings, section).model_dump(mode="json", include={last})[last]


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """
    The same settings with these values.

    Raises:
        ValidationError: one that makes no sense
    """
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, last = name.rpartition(".")
        sections.setdefault(section, {})[last] = value
    changed = {}
    for section, given in sections.items():
        before = getattr(settings, section)
        changed[section] = type(before).model_validate(
            before.model_dump(exclude_unset=True) | given
        )
    return settings.model_copy(update=changed)


def as_text(value: Any) -> str:
    """One spelling of a value, for the table and for digests."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
