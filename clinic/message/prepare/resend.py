"""
Sends again what failed, and only that (PAT-22, PAT-23): a new campaign over rows of an old one.

    delivered, sent, unknown          never: they have it, or may have it
    undelivered, rejected, exhausted, expired     yes, once: the next time it is the new campaign's failures

Numbers are read again, the record's first: a number that was corrected since is used. The rows keep the
list's own numbers and columns. Who may not be messaged now is left out as always. Calls are made again by
rules of their own (clinic/message/timing/calling_again.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.cohort.list_trail import tell_taken
from clinic.cohort.rows import CORRECTION, require_rows
from clinic.errors import NotAllowed
from clinic.govern.audit.chain import hold
from clinic.message import states
from clinic.message.campaign.asked import Content, names_in
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.counting import messages_of
from clinic.message.campaign.opening import next_base
from clinic.message.campaign.sending_stop import require_sending
from clinic.message.campaign.trail import tell_requested
from clinic.message.failover.ways import columns_of
from clinic.message.timing.calling_again import Waiting, ready_to_call
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import campaign, message
from clinic.record.told import of_teller
from clinic.settings import Settings
from clinic.values.text import counted

FAILED: Final = (states.UNDELIVERED, states.REJECTED, states.EXHAUSTED, states.EXPIRED)
_KEPT = (*names_in(Content), "template_version_id", "list_name", "purpose")
_MOST_NAMED = 20


def begin_resend(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    rows: Collection[int] | None = None,
    request_key: str,
    gateway: str,
    batch_limit: int,
) -> int:
    """
    Make the campaign that sends a campaign's failures again; its id. The same request key gives the same.

    One transaction, in turn with others for the same campaign: no row is taken by two of them.

    Args:
        rows: only these rows of its list, by their numbers; None: all that failed

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it is a dry run or a reminder, nothing of it failed, or a row that is named did not; or its
            calls may not be made again, or not yet
        ListRefused: its list's rows are gone
    """
    with record.write() as connection:
        hold(connection, f"resend {campaign_id}")
        old = get_campaign(connection, campaign_id)
        known = connection.scalar(
            sa.select(campaign.c.id).where(campaign.c.request_key == request_key)
        )
        if known is not None:
            return int(known)
        require_sending(connection)
        _require_sent(old, source_of(connection, old))
        chosen = _choose(resendable(connection, campaign_id), rows, campaign_id)
        chosen = _ready(connection, settings, old, chosen, clock.now())
        values = {
            "request_key": request_key,
            "gateway": gateway,
            **columns_of(settings, old.channel, gateway),
            "batch_size": min(settings.batch_size, batch_limit),
            "requested_by": settings.operator,
            "created_at": clock.now(),
        }
        gone_at = sa.select(cohort_list.c.rows_gone_at).where(cohort_list.c.id == old.list_id)
        require_rows(old.list_id, connection.scalar(gone_at))
        list_id = copy_rows(connection, old, chosen, values)
        return insert_again(connection, old, list_id, len(chosen), values)


def may_resend(own: Campaign, source: str) -> bool:
    """Whether a campaign over a list of that source is of a kind whose failures are sent again."""
    return not own.dry_run and source not in ("report", CORRECTION)


def source_of(connection: Connection, own: Campaign) -> str:
    """Where a campaign's list came from."""
    return str(
        connection.execute(
            sa.select(cohort_list.c.source).where(cohort_list.c.id == own.list_id)
        ).scalar_one()
    )


def _require_sent(old: Campaign, source: str) -> None:
    if old.dry_run:
        raise NotAllowed("resend-rehearsal", f"campaign {old.id} was a dry run: nothing was sent")
    if source == CORRECTION:
        raise NotAllowed(
            "resend-correction",
            f"campaign {old.id} is a correction: what failed of it is sent to the same addresses by asking "
            "for it again: cohort correct, with the campaign that it corrects",
        )
    if source == "report":
        raise NotAllowed(
            "resend-reminder",
            f"campaign {old.id} reminded of appointments, which may have changed since: "
            "contact these patients another way",
        )


def resendable(connection: Connection, campaign_id: int) -> list[int]:
    """The rows of a campaign's list whose message failed and was not sent again yet."""
    query = (
        sa.select(message.c.row_number)
        .where(
            messages_of(campaign_id),
            of_teller("state").in_(
                FAILED
            ),  # those too who were to be told by a message that failed
            message.c.row_number.not_in(taken_again(campaign_id)),
        )
        .order_by(message.c.id)
    )
    return list(connection.scalars(query))


def taken_again(campaign_id: int) -> sa.CompoundSelect[tuple[int]]:
    """The rows of a campaign's list that another campaign sends again, or did before it was cancelled."""
    again = sa.select(campaign.c.id, campaign.c.list_id).where(
        campaign.c.resend_of == campaign_id, campaign.c.state != states.REFUSED
    )
    live = again.where(campaign.c.state != states.CANCELLED_CAMPAIGN).subquery()
    ended = again.where(campaign.c.state == states.CANCELLED_CAMPAIGN).subquery()
    planned = sa.select(list_row.c.row_number).where(
        list_row.c.list_id.in_(sa.select(live.c.list_id))
    )
    # Of one that was cancelled on the way, only what had left by then
    left = sa.select(message.c.row_number).where(
        message.c.campaign_id.in_(sa.select(ended.c.id)), message.c.state != states.CANCELLED
    )
    return planned.union(left)


def _choose(failed: Sequence[int], rows: Collection[int] | None, campaign_id: int) -> list[int]:
    if rows is None:
        chosen = list(failed)
    else:
        if strange := sorted(set(rows).difference(failed)):
            some = ", ".join(map(str, strange[:_MOST_NAMED]))
            raise NotAllowed(
                "resend-not-failed",
                f"these rows did not fail, or were sent again already: {some}; "
                f"see: cohort show {campaign_id} --errors-only",
            )
        chosen = sorted(set(rows))
    if not chosen:
        raise NotAllowed(
            "resend-nothing",
            f"nothing of campaign {campaign_id} failed that was not sent again already",
        )
    return chosen


def _ready(
    connection: Connection, settings: Settings, old: Campaign, chosen: list[int], now: datetime
) -> list[int]:
    """Of calls, those that may be made now."""
    waiting = ready_to_call(connection, settings, old, chosen, now)
    if waiting.ready:
        return waiting.ready
    if waiting.first is None and waiting.later:
        raise NotAllowed(
            "resend-not-yet",
            f"{counted(waiting.later, 'call')} of campaign {old.id} may be made again in no hour of "
            "hours.voice: all are too near the time of day at which nobody answered (apart_hours of the "
            "gateway). Widen the hours, lower apart_hours, or contact these patients another way",
        )
    if waiting.first is None:
        raise NotAllowed(
            "resend-nothing",
            f"what became of the calls of campaign {old.id} that had no outcome in time is not known: nobody "
            "is called again for them. Contact these patients another way",
        )
    at = waiting.first.astimezone(ZoneInfo(settings.organisation.time_zone))
    raise NotAllowed(
        "resend-not-yet",
        f"{counted(waiting.later, 'call')} of campaign {old.id} may not be made again yet, so soon or at the "
        "time of day at which nobody answered (wait_minutes and apart_hours of the gateway): from "
        f"{at:%-d %b %H:%M} on",
    )


def waiting_calls(record: Record, settings: Settings, campaign_id: int, now: datetime) -> Waiting:
    """Of a campaign by calls: its failures that may not be called again yet, after a resend took the others."""
    with record.read() as connection:
        old = get_campaign(connection, campaign_id)
        return ready_to_call(connection, settings, old, resendable(connection, campaign_id), now)


def copy_rows(
    connection: Connection, old: Campaign, chosen: Sequence[int], values: dict[str, Any], *,
    source: str = "resend", whom: sa.Select[tuple[int, int]] | None = None,
) -> int:  # fmt: skip
    """
    A list of the chosen rows, each with the patient whom it meant; its number.

    values: of the campaign that is to be made of it
    source: where the list is from; whom: rows and patients, if not those who had a message
    """
    kept = (
        "name", "layout", "file_name", "encoding", "columns", "fields", "date_order", "as_of", "as_of_from",
        "kept",
    )  # fmt: skip
    first = connection.execute(
        sa.select(*(cohort_list.c[name] for name in kept)).where(cohort_list.c.id == old.list_id)
    ).mappings()
    digest = hashlib.sha256(f"{source} {old.id}: {','.join(map(str, chosen))}".encode())
    list_id = connection.execute(
        sa.insert(cohort_list)
        .values(
            dict(first.one())
            | {
                "request_key": values["request_key"], "source": source,
                "sha256": digest.hexdigest(), "rows": len(chosen),
                "taken_at": values["created_at"], "taken_by": values["requested_by"],
            }
        )
        .returning(cohort_list.c.id)
    ).scalar_one()  # fmt: skip
    if whom is None:
        whom = sa.select(message.c.row_number, message.c.patient_id).where(messages_of(old.id))
    meant = whom.subquery()
    known = sa.case((meant.c.patient_id > 0, meant.c.patient_id))
    connection.execute(
        sa.insert(list_row).from_select(
            ["list_id", "row_number", "patient_id", "cells"],
            sa.select(sa.literal(list_id), list_row.c.row_number, known, list_row.c.cells)
            .select_from(list_row)
            .join(meant, meant.c.row_number == list_row.c.row_number)
            .where(list_row.c.list_id == old.list_id, is_any_of(list_row.c.row_number, chosen)),
        )
    )
    tell_taken(connection, list_id, values["created_at"])
    return int(list_id)


def insert_again(
    connection: Connection, old: Campaign, list_id: int, rows: int, values: dict[str, Any]
) -> int:
    """
    The campaign over such a list that sends what an older one sent, so far as `values` say nothing else.

    In the caller's transaction, who holds `resend` of the older one; its number.
    """
    row = {name: getattr(old, name) for name in _KEPT} | values
    key = connection.execute(
        sa.insert(campaign)
        .values(
            **row, list_id=list_id, rows=rows, resend_of=old.id, state=states.CHECKING,
            message_base=next_base(connection), workers=old.workers,
        )
        .returning(campaign.c.id)
    ).scalar_one()  # fmt: skip
    tell_requested(connection, int(key), values["created_at"])
    return int(key)
