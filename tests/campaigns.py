"""Puts a campaign into the record as a table of rows, for what only reads campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from clinic.clock import Clock
from clinic.message import states
from clinic.message.codes import batch_id, pack
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list, list_row, template, template_version
from clinic.record.schema.messages import batch, campaign, message, recipient, submission
from clinic.record.schema.people import patient
from tests.references import base_of, message_id


@dataclass(frozen=True)
class Fate:
    """
    One row of a list, from row number 2 on.

    outcome: before sending; None: not judged yet
    state: of its message; None: it has none; body, segments: of its message
    """

    outcome: str | None = "accepted"
    state: str | None = None
    patient_id: int | None = None
    cells: Sequence[str] = ("9990000018", "Siân")
    error: str | None = None
    detail: str | None = None
    body: str = "Your flu jab is due."
    segments: int = 2


def put_campaign(
    record: Record,
    clock: Clock,
    fates: Sequence[Fate],
    *,
    state: str = states.COMPLETED,
    columns: Sequence[str] = ("NHS Number", "Given Name"),
    body: str = "Your flu jab is due.\nCall us.",
    open_submission: bool = False,
    **values: Any,
) -> int:
    """A campaign whose list, recipients and messages are those of `fates`; its id."""
    with record.write() as connection:
        number = (connection.scalar(sa.select(sa.func.max(campaign.c.id))) or 0) + 1
        now = clock.now()
        connection.execute(
            sa.insert(cohort_list).values(
                id=number, name="Flu 2026", source="file", sha256="0" * 64, taken_at=now,
                taken_by="nia", columns=orjson.dumps(list(columns)).decode(), fields="{}",
                rows=len(fates), request_key=f"list-{number}",
            )
        )  # fmt: skip
        text = 1000 + number  # beside those of the catalogue
        connection.execute(
            sa.insert(template).values(
                id=text, key=f"flu-{number}", name="Flu", message_type="invitation"
            )
        )
        connection.execute(
            sa.insert(template_version).values(
                id=text, template_id=text, version=1, body=body, variables="[]",
                sha256="0" * 64, created_at=now, created_by="nia",
            )
        )  # fmt: skip
        given = {
            "id": number, "message_base": base_of(number),
            "request_key": f"campaign-{number}", "list_id": number,
            "template_version_id": text, "list_name": "Flu 2026", "channel": "sms",
            "purpose": "any", "gateway": "fake", "state": state, "rows": len(fates),
            "requested_by": "nia", "created_at": now,
        }  # fmt: skip
        connection.execute(sa.insert(campaign).values(given | values))
        _put_rows(connection, number, fates, clock)
        if open_submission:
            waiting = [
                row for row, fate in enumerate(fates, start=2) if fate.state == states.PENDING
            ]
            members = pack(message_id(number, row) for row in waiting)
            connection.execute(
                sa.insert(submission).values(
                    id=f"s-{number}", batch_id=batch_id(number, 1), attempt=1, gateway="fake",
                    gateway_class="I", fence=1, owner="w", state=states.INTENT, members=members,
                    open_members=members, per_request=100, payload_sha256="0" * 64, created_at=now,
                )
            )  # fmt: skip
    return number


def _put_rows(connection: sa.Connection, number: int, fates: Sequence[Fate], clock: Clock) -> None:
    staged = [fate.state for fate in fates if fate.state]
    connection.execute(
        sa.insert(batch).values(
            id=batch_id(number, 1), campaign_id=number, number=1, state=states.DONE,
            size=len(staged), accepted=sum(s in states.LEFT for s in staged),
            rejected=staged.count(states.REJECTED), unknown=staged.count(states.UNKNOWN),
            suppressed=staged.count(states.SUPPRESSED),
        )
    )  # fmt: skip
    for row, fate in enumerate(fates, start=2):
        who = fate.patient_id or 1000 + row
        connection.execute(
            sa.insert(list_row).values(
                list_id=number, row_number=row, cells=orjson.dumps(list(fate.cells)).decode(),
                patient_id=fate.patient_id,
            )
        )  # fmt: skip
        if fate.outcome:
            connection.execute(
                sa.insert(recipient).values(
                    campaign_id=number, row_number=row, patient_id=who, outcome=fate.outcome,
                    detail=fate.detail,
                )
            )  # fmt: skip
        if fate.state:
            left = clock.now() if fate.state in states.LEFT else None
            connection.execute(
                sa.insert(message).values(
                    id=message_id(number, row), campaign_id=number, batch_id=batch_id(number, 1),
                    patient_id=who, row_number=row, channel="sms", address="+447700900123",
                    body=fate.body, segments=fate.segments, state=fate.state,
                    error_text=fate.error, sent_at=left, status_at=left,
                )
            )  # fmt: skip


def put_patient(record: Record, key: int, *, nhs_number: str, local_id: str, **values: Any) -> int:
    """A patient of this key."""
    given = {"id": key, "nhs_number": nhs_number, "local_id": local_id, "given_name": "Siân"}
    with record.write() as connection:
        connection.execute(sa.insert(patient).values(given | values))
    return key
