"""
What patients lose whose new status is not messaged: visits, queued messages, recalls, groups; and who they are.

Counted from the plan's items, in one statement each. Nobody is told of it by itself: whoever asks for a bulk
discharge, and whoever approves it, sees it before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.core.outcomes import WILL_CHANGE
from clinic.change.kinds.status import STATUS
from clinic.change.operations import Operation
from clinic.record.schema.change import operation_item
from clinic.record.schema.lists import template, template_audience, template_version
from clinic.record.schema.messages import OUTBOX, QUEUED, campaign, message
from clinic.record.schema.people import appointment, group_member, patient
from clinic.record.schema.recall import recall, recall_task
from clinic.record.told import of_teller
from clinic.settings import Settings

RECALL: Final = "recall"  # the class, or the type, of a template that invites again
YEAR: Final = timedelta(days=365)
_WAITING: Final = "pending"
_INVITED: Final = (_WAITING, "accepted", "delivered", "unknown")


@dataclass(frozen=True)
class Loss:
    """A patient who is left out from then on, and of what. next_visit: the first that is booked."""

    own_id: str
    name: str
    visits: int
    next_visit: datetime | None
    queued: int
    recalls: int
    groups: int


def excludes(settings: Settings, asked: Operation) -> bool:
    """Whether this operation takes patients out of all that is sent."""
    messaged = settings.organisation.messaged_statuses
    return asked.kind == STATUS.name and asked.parameters.get("to") not in messaged


def count_losses(
    connection: Connection, settings: Settings, asked: Operation, now: datetime
) -> dict[str, int]:
    """How many patients are excluded, and how much they lose; nothing where nobody is."""
    if not excludes(settings, asked):
        return {}
    found = {"excluded": asked.will_change}
    for name, each in _parts(asked, now).items():
        if name != "visits":
            total = sa.select(sa.func.coalesce(sa.func.sum(each.c.number), 0))
            found[name] = int(connection.scalar(total) or 0)
    return found


def read_losses(
    connection: Connection, settings: Settings, asked: Operation, now: datetime, *, limit: int,
    skip: int = 0,
) -> list[Loss]:  # fmt: skip
    """Those who lose something, whoever loses most first, by name; after the first `skip`."""
    if not excludes(settings, asked):
        return []
    parts = _parts(asked, now)
    number = {name: sa.func.coalesce(each.c.number, 0) for name, each in parts.items()}
    total = sum(number.values(), sa.literal(0))
    p = patient.c
    source = patient.join(
        operation_item, _will_change(asked) & (p.id == operation_item.c.patient_id)
    )
    for each in parts.values():
        source = source.outerjoin(each, each.c.patient_id == p.id)
    rows = connection.execute(
        sa.select(
            sa.func.coalesce(p.nhs_number, p.local_id, sa.cast(p.id, sa.Text)),
            sa.func.trim(
                sa.func.coalesce(p.given_name, "") + " " + sa.func.coalesce(p.family_name, "")
            ),
            number["visits"], parts["visits"].c.first, number["queued"], number["recalls"],
            number["groups"],
        )
        .select_from(source)
        .where(total > 0)
        .order_by(total.desc(), p.id)
        .limit(limit)
        .offset(skip)
    )  # fmt: skip
    return [Loss(*row) for row in rows]


def _will_change(asked: Operation) -> sa.ColumnElement[bool]:
    i = operation_item.c
    return (i.operation_id == asked.id) & (i.outcome == WILL_CHANGE) & (i.field == "status")


def _parts(asked: Operation, now: datetime) -> dict[str, sa.Subquery]:
    """By patient: `number` of what they lose; of visits, `first` too."""
    among = sa.select(operation_item.c.patient_id).where(_will_change(asked))
    queued = (message.c.state == _WAITING) & campaign.c.state.in_(QUEUED)
    invited = of_teller("state").in_(_INVITED) & (campaign.c.created_at > now - YEAR)
    visit = appointment.c
    booked = (visit.starts_at > now) & (visit.status == "booked") & visit.patient_id.in_(among)
    visits = sa.select(
        visit.patient_id,
        sa.func.count().label("number"),
        sa.func.min(visit.starts_at).label("first"),
    )
    groups = sa.select(group_member.c.patient_id, sa.func.count().label("number"))
    return {
        "visits": visits.where(booked).group_by(visit.patient_id).subquery(),
        "queued": _messages(among).where(queued).subquery(),
        "recalls": _recalls(
            among, invited & sa.or_(message.c.state != _WAITING, campaign.c.state.in_(QUEUED))
        ),
        "groups": groups.where(group_member.c.patient_id.in_(among))
        .group_by(group_member.c.patient_id)
        .subquery(),
    }


def _recalls(among: sa.Select[tuple[int]], invited: sa.ColumnElement[bool]) -> sa.Subquery:
    """
    How many recalls: their invitations, and those that did not reach the patient and wait for a person.

    A recall is one by its campaign, by the class of its template or by the template's type.
    """
    asked = sa.select(recall.c.campaign_id)
    classes = " " + sa.func.coalesce(template_audience.c.classes, "") + " "
    of_class = classes.like(f"% {RECALL} %")
    named = (template.c.message_type == RECALL) | campaign.c.id.in_(asked) | of_class
    task = recall_task.c
    missed = sa.select(task.patient_id, task.campaign_id).where(
        task.patient_id.in_(among), task.done_at.is_(None)
    )
    own = _among(sa.select(message.c.patient_id, message.c.campaign_id), among)
    own = own.outerjoin(
        template_audience, template_audience.c.template_version_id == template_version.c.id
    )
    both = own.where(invited, named).union(missed).subquery()
    number = sa.func.count().label("number")
    return sa.select(both.c.patient_id, number).group_by(both.c.patient_id).subquery()


def _messages(among: sa.Select[tuple[int]]) -> sa.Select[Any]:
    """How many messages of campaigns that reach patients, by patient."""
    counted = sa.select(message.c.patient_id, sa.func.count().label("number"))
    return _among(counted, among).group_by(message.c.patient_id)


def _among(query: sa.Select[Any], among: sa.Select[tuple[int]]) -> sa.Select[Any]:
    """These patients' messages of campaigns that reach patients, with their template."""
    version = template_version.c
    return (
        query.join(campaign, campaign.c.id == message.c.campaign_id)
        .join(template_version, version.id == campaign.c.template_version_id)
        .join(template, template.c.id == version.template_id)
        .where(message.c.patient_id.in_(among), ~campaign.c.dry_run, campaign.c.gateway != OUTBOX)
    )
