"""
What an operation will bring about, counted from its items before anybody decides, and again then.

Visits and providers are counted as they would be if it were applied now: others change them meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import VISIT_STAYS, WILL_CHANGE
from clinic.change.kinds.table import UNDO, kind_of
from clinic.change.operations import Operation
from clinic.change.review.follow_up import SAYS
from clinic.change.review.losses import count_losses
from clinic.change.run.plan import plan_of
from clinic.clock import Clock
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import appointment, patient, provider
from clinic.settings import Settings

_i = operation_item.c
_VISITS: Final = {
    "cancelled": "visits are cancelled, to be rebooked",
    "booked-again": "cancelled visits are booked again",
    "visit_provider": "visits go to another provider",
    "visit_facility": "visits go to another facility",
    "visit": "visits are booked",
    "taken-back": "booked visits are cancelled",
    "stay": "visits stay behind: somebody must move them",
    "ahead": "visits that are booked for these patients stay as they are",
}
_LOST: Final = {
    "excluded": "patients get no list, reminder or recall from then on: the new status is not messaged",
    "queued": "messages are queued for these patients",
    "recalls": "recalls of the last 12 months, sent or queued: nobody invites these patients again",
    "groups": "memberships of groups: left out whenever such a group is messaged",
}


@dataclass(frozen=True)
class Effect:
    """So many of something."""

    code: str
    says: str
    count: int


@dataclass(frozen=True)
class Load:
    """A provider whose patients change. `capacity`: None: no limit."""

    provider: str
    gets: int
    loses: int
    has_then: int
    capacity: int | None

    @property
    def over(self) -> int:
        """By how many patients the capacity is overfilled then."""
        return 0 if self.capacity is None else max(0, self.has_then - self.capacity)


@dataclass(frozen=True)
class Impact:
    """What follows for visits, people and providers. An operation itself sends no messages."""

    effects: tuple[Effect, ...]
    loads: tuple[Load, ...]


def impact_of(connection: Connection, clock: Clock, settings: Settings, asked: Operation) -> Impact:
    """Everything that follows, if it were applied now."""
    effects = [Effect(c, _VISITS[c], n) for c, n in _visits(connection, asked, clock.now())]
    lost = count_losses(connection, settings, asked, clock.now())
    effects += [Effect(code, _LOST[code], count) for code, count in lost.items()]
    if asked.kind != UNDO:
        made = kind_of(asked.kind).follow_ups(connection, plan_of(clock, settings, asked))
        effects += [
            Effect(each.code, f"follow-up: {SAYS[each.code]} {each.subject}".strip(), each.count)
            for each in made
        ]
    effects.append(
        Effect("messages", "messages are sent by it; staff are told by cohort notify", 0)
    )
    return Impact(tuple(effects), tuple(loads_of(connection, asked)))


def _visits(connection: Connection, asked: Operation, now: datetime) -> list[tuple[str, int]]:
    """In one statement: which visits change, and how."""
    code = sa.case(
        (_i.outcome == VISIT_STAYS, "stay"),
        (_i.outcome != WILL_CHANGE, None),
        ((_i.field == "visit_status") & (_i.new == "cancelled"), "cancelled"),
        (_i.field == "visit_status", "booked-again"),
        ((_i.field == "visit") & _i.new.is_(None), "taken-back"),
        (_i.field.in_(("visit_provider", "visit_facility", "visit")), _i.field),
    )
    found = connection.execute(
        sa.select(code, sa.func.count())
        .where(_i.operation_id == asked.id, code.is_not(None))
        .group_by(code)
        .order_by(code)
    )
    counts = [(str(name), int(count)) for name, count in found.tuples()]
    ahead = _ahead(connection, asked, now)
    return [*counts, ("ahead", ahead)] if ahead else counts


def _ahead(connection: Connection, asked: Operation, now: datetime) -> int:
    """Booked visits of the patients whose status changes, or whose visits are to be kept: as they are."""
    untouched = ("status", "provider") if asked.parameters.get("visits") == "keep" else ("status",)
    changing = sa.select(_i.patient_id).where(
        _i.operation_id == asked.id, _i.outcome == WILL_CHANGE, _i.field.in_(untouched)
    )
    found = connection.scalar(
        sa.select(sa.func.count())
        .select_from(appointment)
        .where(
            appointment.c.starts_at > now,
            appointment.c.status == "booked",
            appointment.c.patient_id.in_(changing),
        )
    )
    return int(found or 0)


def loads_of(connection: Connection, asked: Operation) -> list[Load]:
    """Who gets and who loses patients, and how many each has then, the living alone."""
    moving = sa.and_(_i.operation_id == asked.id, _i.field == "provider", _i.outcome == WILL_CHANGE)
    gets, loses = (
        dict(
            connection.execute(sa.select(column, sa.func.count()).where(moving).group_by(column))
            .tuples()
            .all()
        )
        for column in (_i.new, _i.old)
    )
    keys = sorted({int(key) for key in (*gets, *loses) if key is not None})
    has = dict(
        connection.execute(
            sa.select(patient.c.provider_id, sa.func.count())
            .where(patient.c.provider_id.in_(keys), patient.c.death_date.is_(None))
            .group_by(patient.c.provider_id)
        )
        .tuples()
        .all()
    )
    rows = connection.execute(
        sa.select(provider.c.id, provider.c.code, provider.c.name, provider.c.capacity)
        .where(provider.c.id.in_(keys))
        .order_by(provider.c.code)
    )
    return [
        Load(
            f"{row.code} {row.name}",
            gets.get(str(row.id), 0),
            loses.get(str(row.id), 0),
            has.get(row.id, 0) + gets.get(str(row.id), 0) - loses.get(str(row.id), 0),
            row.capacity,
        )
        for row in rows
    ]
