"""
Reminders: a list of appointments is imported, and each is reminded of once (COM-1 to COM-3, ACX-36).

    import:  a row an appointment ─► staged: the reminder is given, in that transaction
                                              └► the intent: cancelled or moved since? then it does not
                                                 leave, and is given back for a later run

However often it runs, an appointment is reminded of once at its time; moved, it is reminded of once more.
Moved to another place, facility or provider that the text tells of, it does not leave either: nobody is
sent where the visit is no more. What nobody decided about in time is given back too.
Of a patient's two appointments in one run the earlier gets the message, the later is listed as
`duplicate`, is not given, and so is the next run's.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.import_list import fingerprint
from clinic.cohort.list_trail import tell_taken
from clinic.govern.audit.chain import hold
from clinic.govern.people.refused import require_here
from clinic.message.campaign.begin import find_coverage, open_asked, require_channel
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.opening import CampaignRequest
from clinic.message.codes import message_on
from clinic.message.failover.ways import columns_of
from clinic.message.reminders.appointments import appointment_query, patients_reminded
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.safety.accepted import keep_acceptances
from clinic.message.safety.coverage_asked import read_covers
from clinic.message.template.emails import require_receipts, require_subject
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment
from clinic.record.schema.receipts import reminder
from clinic.record.statements.made import At
from clinic.settings import Settings

SOURCE = "report"
LEFT_OUT: Final = "leave_out"  # in a list's criteria: row numbers
# Where a visit is: a column of the appointment, and the variables that tell it
WHERE: Final = {
    "place": ("appointment.place",),
    "facility_id": ("appointment.facility", "facility."),
    "provider_id": ("appointment.provider", "provider."),
}


def begin_reminders(
    record: Record,
    clock: Clock,
    settings: Settings,
    request: ReminderRequest,
    *,
    request_key: str,
    gateway: str,
    batch_limit: int,
) -> int:
    """
    Take the appointments in and make their campaign; its id. The same request key gives the same.

    Raises:
        NotFound: there is no such facility, provider, place … or template
        NotAllowed: the channel is switched off
    """
    require_channel(settings, request.channel)
    if request.channel == "email":
        if not request.dry_run:
            require_receipts(settings, settings.organisation.save_when)
        require_subject(record, request.template)
    read_covers(request.covers)
    sender = request.requested_by or settings.operator
    require_here(record, sender)
    with record.write() as connection:
        hold(connection, f"list {request_key}")
        list_id = _known(connection, request_key) or _take_in(
            connection, settings, request, request_key=request_key, sender=sender, now=clock.now()
        )
    asked = CampaignRequest(
        request_key=request_key,
        list_id=list_id,
        template=request.template,
        channel=request.channel,
        gateway=gateway,
        **columns_of(settings, request.channel, gateway),
        batch_size=min(settings.batch_size, batch_limit),
        requested_by=sender,
        save_when=settings.organisation.save_when,
        dry_run=request.dry_run,
        workers=settings.campaign_workers,
        coverage=find_coverage(
            record,
            clock,
            settings,
            request.covers,
            list_id,
            request_key,
            told=_reminded(record, clock, settings, request, sender) if request.covers else (),
            by=sender,
        ),
        again=True,  # every night has the same template; `reminder` keeps it to once
    )
    campaign_id = open_asked(record, clock, asked, override=request.override_gate)
    keep_acceptances(record, clock, campaign_id, request.accept, by=sender)
    return campaign_id


def _reminded(
    record: Record, clock: Clock, settings: Settings, request: ReminderRequest, by: str
) -> list[int]:
    """Who is on no list now because they were reminded before: nobody misses them."""
    zone = ZoneInfo(settings.organisation.time_zone)
    with record.read() as connection:
        return patients_reminded(connection, request, now=clock.now(), zone=zone, by=by)


def _known(connection: Connection, request_key: str) -> int | None:
    return connection.scalar(
        sa.select(cohort_list.c.id).where(cohort_list.c.request_key == request_key)
    )


def _take_in(
    connection: Connection,
    settings: Settings,
    request: ReminderRequest,
    *,
    request_key: str,
    sender: str,
    now: datetime,
) -> int:
    """A row an appointment, the earliest first; three statements, however many there are."""
    zone = ZoneInfo(settings.organisation.time_zone)
    found = appointment_query(connection, request, now=now, zone=zone, by=sender).subquery()
    list_id = connection.execute(
        sa.insert(cohort_list)
        .values(
            request_key=request_key, name=request.list_name, source=SOURCE, sha256="",
            columns="[]", fields="{}", criteria=orjson.dumps(request.criteria()).decode(),
            taken_at=now, taken_by=sender,
        )
        .returning(cohort_list.c.id)
    ).scalar_one()  # fmt: skip
    number = sa.func.row_number().over(order_by=[found.c.starts_at, found.c.id])
    connection.execute(
        sa.insert(reminder).from_select(
            ["list_id", "row_number", "appointment_id", "starts_at", *WHERE],
            sa.select(
                sa.literal(list_id),
                number,
                found.c.id,
                found.c.starts_at,
                *(found.c[name] for name in WHERE),
            ),
        )
    )
    connection.execute(
        sa.insert(list_row).from_select(
            ["list_id", "row_number", "patient_id", "cells"],
            sa.select(
                reminder.c.list_id, reminder.c.row_number, appointment.c.patient_id,
                sa.literal("[]"),
            )
            .join(appointment, appointment.c.id == reminder.c.appointment_id)
            .where(reminder.c.list_id == list_id),
        )
    )  # fmt: skip
    _finish(connection, list_id)
    tell_taken(connection, list_id, now)
    return int(list_id)


def _finish(connection: Connection, list_id: int) -> None:
    ids = sa.select(reminder.c.appointment_id).where(reminder.c.list_id == list_id)
    digest, count = fingerprint(connection, ids.order_by(reminder.c.row_number))
    connection.execute(
        sa.update(cohort_list).where(cohort_list.c.id == list_id).values(sha256=digest, rows=count)
    )


def deselected_rows(connection: Connection, list_id: int) -> list[int]:
    """The rows of a reminder list that a person left out when looking at it (COM-5)."""
    criteria = connection.scalar(
        sa.select(cohort_list.c.criteria).where(cohort_list.c.id == list_id)
    )
    return list(orjson.loads(criteria or "{}").get(LEFT_OUT, []))


def give_reminders(
    connection: Connection, job: Campaign, rows: list[int], *, variables: Collection[str] = ()
) -> list[int]:
    """
    Note that these rows of a campaign are reminded of now; those that another run has given meanwhile.

    Call it in the transaction that stages them. A dry run gives none.

    Args:
        variables: what the text tells; where the visit is, is kept as far as it tells it
    """
    hold(connection, "reminders")
    other = reminder.alias()
    of_list = (reminder.c.list_id == job.list_id) & is_any_of(reminder.c.row_number, rows)
    given = connection.scalars(
        sa.select(reminder.c.row_number)
        .join(
            other,
            (other.c.appointment_id == reminder.c.appointment_id)
            & (other.c.starts_at == reminder.c.starts_at)
            & other.c.message_id.is_not(None),
        )
        .where(of_list)
    ).all()
    if not job.dry_run:
        left = sorted(set(rows).difference(given))
        connection.execute(
            sa.update(reminder)
            .where(reminder.c.list_id == job.list_id, is_any_of(reminder.c.row_number, left))
            .values(
                {name: None for name, ways in WHERE.items() if not tells(variables, ways)}
                | {"message_id": message_on(job.message_base, reminder.c.row_number)}
            )
        )
    return list(given)


def tells(variables: Collection[str], ways: tuple[str, ...]) -> bool:
    """Whether a text with these variables tells what these are the ways to tell."""
    return any(name.startswith(ways) for name in variables)


def changed_since(
    campaign_id: int, patients: sa.Select[tuple[int]], now: At
) -> sa.Select[tuple[int]]:
    """
    The ids among `patients` whose appointment was cancelled, moved or has begun since it was staged.

    Moved also to another place, facility or provider than the text tells.
    """
    return (
        sa.select(message.c.patient_id)
        .join(reminder, reminder.c.message_id == message.c.id)
        .outerjoin(appointment, appointment.c.id == reminder.c.appointment_id)
        .where(
            message.c.campaign_id == campaign_id,
            message.c.patient_id.in_(patients),
            is_otherwise(reminder, now),
        )
    )


def is_otherwise(noted: sa.Table, now: At) -> sa.ColumnElement[bool]:
    """
    Whether an appointment, joined from the outside, is no more as `noted` has it for a message: cancelled,
    moved, begun, another patient's, or elsewhere than the text tells.
    """
    elsewhere = [
        noted.c[name].is_not(None) & appointment.c[name].is_distinct_from(noted.c[name])
        for name in WHERE
    ]
    return sa.or_(
        appointment.c.id.is_(None),
        appointment.c.status != "booked",
        appointment.c.starts_at != noted.c.starts_at,
        appointment.c.starts_at <= now,
        appointment.c.patient_id != message.c.patient_id,
        *elsewhere,
    )
