"""
Asks for reports of campaigns to go out by MESH: a person does, or it is done when a campaign is over.

A campaign's first report is asked for once, whoever asks and however often; another one only by a person.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.audit.trail import Act, record_act
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.people import clinical_item
from clinic.record.schema.systems.mesh import mesh_report

_BY_ITSELF: Final = "system"


def ask_for_report(
    record: Record, clock: Clock, campaign_id: int, *, install_id: str, by: str, again: bool
) -> int:
    """
    Ask for the report of a campaign to be sent; its number among the campaign's reports.

    Raises:
        NotFound: there is no such campaign
        NotAllowed: nothing of it is on a record yet, or its report went out already and `again` was not said
    """
    r = mesh_report.c
    with record.write() as connection:
        own = get_campaign(connection, campaign_id)
        unsaved = sa.select(batch.c.id).where(batch.c.campaign_id == campaign_id, ~batch.c.saved)
        if own.dry_run or not own.save_to_record or connection.scalar(unsaved.limit(1)) is not None:
            raise NotAllowed(
                "report-not-ready",
                f"campaign {campaign_id} is not on the record to its end: a report is sent when it is",
            )
        last = connection.execute(
            sa.select(r.number, r.state)
            .where(r.campaign_id == campaign_id)
            .order_by(r.number.desc())
            .limit(1)
        ).one_or_none()
        if last is not None and not (
            again and last.state in ("sent", "acknowledged", "refused", "unknown")
        ):
            raise NotAllowed(
                "report-there",
                f"the report of campaign {campaign_id} is {last.state}; see: cohort record status. Another "
                "one, which the practice gets beside the first: --again",
            )
        number = 1 if last is None else last.number + 1
        _ask(connection, clock, campaign_id, number, install_id=install_id, by=by)
    return number


def ask_for_ended(record: Record, clock: Clock, *, install_id: str, since: date) -> int:
    """
    Ask for the report of each campaign that is over since this day and has none; of how many.

    Over: nothing of it can be sent any more, and no receipt is awaited of what was.
    """
    own, of, r = campaign.c, batch.c.campaign_id == campaign.c.id, mesh_report.c
    awaited = sa.exists().where(
        of, ~batch.c.settled, batch.c.accepted + batch.c.rejected + batch.c.unknown > 0
    )
    is_over = sa.select(own.id).where(
        own.state.in_((states.COMPLETED, states.CANCELLED_CAMPAIGN)),
        own.finished_at >= datetime.combine(since, time(), UTC),
        own.save_to_record, ~own.dry_run, own.gateway != states.OUTBOX, ~awaited,
        sa.exists().where(clinical_item.c.campaign_id == own.id),
        ~sa.exists().where(r.campaign_id == own.id),
    )  # fmt: skip
    with record.read() as connection:
        ids = connection.scalars(is_over.order_by(own.id)).all()
    count = 0
    for campaign_id in ids:
        with record.write() as connection:
            if _ask(connection, clock, campaign_id, 1, install_id=install_id, by=_BY_ITSELF):
                count += 1
    return count


def _ask(
    connection: Connection, clock: Clock, campaign_id: int, number: int, *, install_id: str, by: str
) -> bool:
    """Note that a report is asked for; False: another process did at this moment."""
    is_sqlite = connection.dialect.name == "sqlite"
    insert = (sqlite.insert if is_sqlite else postgresql.insert)(mesh_report)
    made = connection.execute(
        insert.values(
            campaign_id=campaign_id, number=number, state="waiting", asked_by=by,
            local_id=f"{install_id[:8]}-{campaign_id}-{number}", asked_at=clock.now(),
        )
        .on_conflict_do_nothing()
        .returning(mesh_report.c.id)
    )  # fmt: skip
    if made.first() is None:
        return False
    act = Act(
        operator=by, operation_type="report.asked", subject="campaign", subject_id=campaign_id,
        new_values={"report": number},
    )  # fmt: skip
    record_act(connection, clock, act)
    return True
