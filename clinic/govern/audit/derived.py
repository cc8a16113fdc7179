"""
Compares clinical items with the messages that they were made of: those are sealed, so nothing else need be.

An item is what the record says of its message (clinic/message/outcomes/save.py). One that says another
thing, belongs to no message, or is missing although its batch was saved, was edited, put in or removed. Address
and text are the message's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from clinic.govern.audit.faults import Fault
from clinic.record.schema.messages import LEFT, OUTBOX, batch, campaign, message
from clinic.record.schema.people import ITEM_STATUS, clinical_item

# The message that tells a patient: their own, or the one that went to all of their number
_TELLS: Final = message.alias("tells")
_TELLER: Final = sa.case(
    (message.c.reason == "one_message", message.c.told_by), else_=message.c.id
)  # clinic/message/sharing/together.py
_MOST: Final = 1  # verify stops at the first fault


def unlike_their_messages(connection: Connection) -> Iterator[Fault]:
    """Clinical items that are not what their messages are."""
    i, m = clinical_item.c, message.c
    both = (
        clinical_item.outerjoin(message, m.id == i.id)
        .outerjoin(_TELLS, _TELLS.c.id == _TELLER)
        .outerjoin(campaign, campaign.c.id == i.campaign_id)
    )
    found = connection.execute(
        sa.select(i.id, i.campaign_id, i.patient_id, m.id.label("message_id"))
        .select_from(both)
        .where(m.id.is_(None) | sa.or_(*_differences()))
        .order_by(i.id)
        .limit(_MOST)
    )
    for row in found:
        yield Fault(
            "row-added" if row.message_id is None else "row-edited",
            f"campaign-{row.campaign_id}", table="clinical_item", key=row.id,
            patient_id=row.patient_id,
        )  # fmt: skip
    for row in connection.execute(_missing()):
        yield Fault(
            "row-removed", f"campaign-{row.campaign_id}", table="clinical_item", key=row.id,
            patient_id=row.patient_id,
        )  # fmt: skip


def _differences() -> list[ColumnElement[bool]]:
    i, m, told = clinical_item.c, message.c, _TELLS.c
    failed = told.state.in_([state for state, status in ITEM_STATUS.items() if status == "failed"])
    pairs: list[tuple[ColumnElement[Any], ColumnElement[Any]]] = [
        (i.patient_id, m.patient_id),
        (i.campaign_id, m.campaign_id),
        (i.channel, m.channel),
        (i.status, _status_of_message()),
        (i.error_code, sa.case((failed, told.reason))),
        (i.error_text, sa.case((failed, told.error_text))),
        (i.sent_at, told.sent_at),
    ]
    return [one.is_distinct_from(other) for one, other in pairs]


def _status_of_message() -> ColumnElement[str | None]:
    """What the item must say; of what the outbox keeps, that it was kept and not sent."""
    kept = (campaign.c.gateway == OUTBOX) & _TELLS.c.state.in_(list(LEFT))
    told = ((_TELLS.c.state == state, status) for state, status in ITEM_STATUS.items())
    return sa.case((kept, "kept"), *told)


def _missing() -> sa.Select[tuple[int, int, int]]:
    """Messages of saved batches that should have an item and have none."""
    m, c, told = message.c, campaign.c, _TELLS.c
    tried = told.state.in_(list(ITEM_STATUS))
    wanted = (told.state == "delivered") | ((c.save_when == "sent") & tried)
    return (
        sa.select(m.id, m.campaign_id, m.patient_id)
        .join(_TELLS, told.id == _TELLER)
        .join(batch, batch.c.id == m.batch_id)
        .join(campaign, c.id == m.campaign_id)
        .where(
            batch.c.saved, c.save_to_record, ~c.dry_run, m.patient_id > 0, wanted,
            ~sa.exists().where(clinical_item.c.id == m.id),
        )
        .order_by(m.id)
        .limit(_MOST)
    )  # fmt: skip
