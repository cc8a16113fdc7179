"""
Notices to staff (ALC-8, ALC-32): a campaign whose list is of facilities, providers or the team.

    open_notice    who is concerned becomes a list, and the list a campaign by e-mail
    name_all       every address is judged: accepted, missing, or wrong
    then           rendered, approved by a manager, and sent like any message: nobody is told twice

Staff are no patients: where the ledger wants a patient it gets a number below -10^12 that is used for
one notice only (docs/decisions/0014-notices-in-the-ledger.md). Nothing is written to anybody's record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.change.kinds.table import title_of
from clinic.clock import Clock
from clinic.cohort.list_trail import tell_taken
from clinic.errors import CohortError
from clinic.message.campaign.campaign import Campaign, get_campaign
from clinic.message.campaign.opening import CampaignRequest, open_campaign
from clinic.message.failover.ways import columns_of
from clinic.message.purposes import NOTICE, STAFF_LIST
from clinic.notify.asking import require_asked, tell_failed
from clinic.notify.ready import MOST, require_tellable
from clinic.notify.recipients import Told
from clinic.notify.request import NoticeRequest
from clinic.notify.texts import COLUMNS, SUBJECT, TEXTS, keep_text
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row
from clinic.record.schema.messages import campaign, check_result, recipient
from clinic.settings import Settings
from clinic.values.email import judge_emails

STAFF: Final = 10**12  # below minus this no number is a patient's, nor minus an NHS number
_PASSED: Final = '{"outcome":"pass","checks":[]}'  # as data_checks/gate/verdict.py writes it
_ROW: Final = ("list_id", "row_number", "patient_id", "cells")


def open_notice(
    record: Record,
    clock: Clock,
    settings: Settings,
    request: NoticeRequest,
    *,
    gateway: str,
    batch_limit: int,
) -> int:
    """
    Make a notice's list and campaign; the campaign's id. The same request key again gives the same.

    That it cannot be made is on the trail, for whoever asked and believes that it is under way.

    Raises:
        NotAllowed: nobody proved to have asked for it; and as `require_tellable`
    """
    with record.read() as connection:
        require_asked(connection, request)
        made = _made(connection, request.request_key)
    if made is not None:  # what was asked for is not judged by what the operation has become since
        return made
    try:
        about, told = require_tellable(record, settings, request.audience, request.operation_id)
    except CohortError as problem:
        tell_failed(record, clock, request, problem.code)
        raise
    template = request.template or keep_text(
        record, clock, TEXTS[request.audience], subject=SUBJECT, purpose=NOTICE,
        by=request.requested_by,
    )  # fmt: skip
    what = (str(about.id), title_of(about.kind), about.state)
    return make_campaign(
        record, clock, settings, told, what, template=template,
        name=f"Notice to {request.audience}, operation {about.id}: {request.reason}".removesuffix(": "),
        requested_by=request.requested_by, request_key=request.request_key, gateway=gateway,
        batch_limit=batch_limit,
    )  # fmt: skip


def _made(connection: Connection, request_key: str) -> int | None:
    found = sa.select(campaign.c.id).where(campaign.c.request_key == request_key)
    return connection.scalar(found)


def make_campaign(
    record: Record,
    clock: Clock,
    settings: Settings,
    told: Sequence[Told],
    what: tuple[str, str, str],
    *,
    template: str,
    name: str,
    requested_by: str,
    request_key: str,
    gateway: str,
    batch_limit: int,
) -> int:
    """The campaign of a text to these people. `what`: the operation's number, title and state."""
    with record.write() as connection:
        list_id = _take_in(connection, clock, told, what, name, requested_by, request_key)
    return open_campaign(
        record,
        clock,
        CampaignRequest(
            request_key=request_key,
            list_id=list_id,
            template=template,
            channel="email",
            gateway=gateway,
            **columns_of(settings, "email", gateway),
            batch_size=min(settings.batch_size, batch_limit),
            requested_by=requested_by,
            save_to_record=False,
            again=True,  # two operations may concern the same people
        ),
    )


def _take_in(
    connection: Connection,
    clock: Clock,
    told: Sequence[Told],
    what: tuple[str, str, str],
    name: str,
    taken_by: str,
    request_key: str,
) -> int:
    known = connection.scalar(
        sa.select(cohort_list.c.id).where(cohort_list.c.request_key == request_key)
    )
    if known is not None:
        return int(known)
    list_id = int(
        connection.execute(
            sa.insert(cohort_list)
            .values(
                request_key=request_key,
                name=name,
                source=STAFF_LIST,
                sha256="",
                columns=orjson.dumps(COLUMNS).decode(),
                fields='{"email":"Email"}',
                rows=len(told),
                taken_at=clock.now(),
                taken_by=taken_by,
            )
            .returning(cohort_list.c.id)
        ).scalar_one()
    )
    rows = (
        (list_id, number, staff_number(list_id, number), orjson.dumps(_cells(each, what)).decode())
        for number, each in enumerate(told, start=1)
    )
    insert_rows(connection, list_row, _ROW, rows)
    tell_taken(connection, list_id, clock.now())
    return list_id


def staff_number(list_id: int, row_number: int) -> int:
    """What stands where the ledger wants a patient: of one notice alone, so no cap counts over several."""
    return -(STAFF + list_id * MOST + row_number)


def _cells(each: Told, what: tuple[str, str, str]) -> list[str]:
    return [each.code, each.name, each.email or "", f"{each.patients:,}", *what]


def name_all(record: Record, clock: Clock, campaign_id: int) -> int:
    """Give every row of a notice its outcome; how many will be told. Again: nothing."""
    with record.write() as connection:
        connection.execute(
            sa.select(campaign.c.id).where(campaign.c.id == campaign_id).with_for_update()
        )
        job = get_campaign(connection, campaign_id)
        if not job.checked_rows:
            _judge(connection, clock, job)
        return int(
            connection.scalar(
                sa.select(sa.func.count())
                .select_from(recipient)
                .where(recipient.c.campaign_id == campaign_id, recipient.c.outcome == "accepted")
            )
            or 0
        )


def _judge(connection: Connection, clock: Clock, job: Campaign) -> None:
    c = list_row.c
    rows = connection.execute(
        sa.select(c.row_number, c.patient_id, c.cells)
        .where(c.list_id == job.list_id)
        .order_by(c.row_number)
    ).all()
    place = COLUMNS.index("Email")
    judged = judge_emails(pd.Series([orjson.loads(row.cells)[place] for row in rows], dtype="str"))
    insert_rows(
        connection,
        recipient,
        ("campaign_id", "row_number", "patient_id", "outcome", "address"),
        (
            (job.id, row.row_number, row.patient_id, fault or "accepted", address or None)
            for row, address, fault in zip(rows, judged["address"], judged["fault"], strict=True)
        ),
    )
    connection.execute(
        sa.update(campaign).where(campaign.c.id == job.id).values(checked_rows=len(rows))
    )
    # Whoever takes the campaign up again finds that it was checked
    connection.execute(
        sa.insert(check_result).values(
            campaign_id=job.id, suite="list", verdict="pass", checks=_PASSED, checked_at=clock.now()
        )
    )
