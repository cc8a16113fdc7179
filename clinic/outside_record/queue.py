"""
The queue of what is to be saved outside: rows of the record, so that nothing is lost and nothing blocks a send.

    clinical_item ─┐
    consent ───────┼─► outside_item: waiting ─► saved, or refused with its reason
    audit_act ─────┘

What is to be saved is looked for in batches of which anything may still change; a batch that is over is noted
(`outside_batch`) and left out from then on. A receipt that comes after all takes the note away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.message.states import OUTBOX
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import clinical_item, consent
from clinic.record.schema.systems.outside_record import outside_batch, outside_item

_BATCHES: Final = 20  # looked through in one transaction
# Decisions that were made here; others came from the outside
_OWN_DECISIONS: Final = ("reply", "by_link", "staff", "telephone")
DONE: Final = "done"  # the status of what never changes


def find_messages(record: Record, clock: Clock, since: datetime) -> int:
    """Note what messages are to be saved, or to be saved with another status; how many."""
    found, after = 0, 0
    while True:
        with record.write() as connection:
            rows = _open_batches(connection, after)
            if not rows:
                return found
            found += _note_messages(connection, list(rows), since, clock.now())
            over = [{"batch_id": key} for key, settled in rows.items() if settled]
            if over:
                connection.execute(
                    _insert(connection, outside_batch).on_conflict_do_nothing(), over
                )
        after = max(rows)


def find_consents(record: Record, clock: Clock, since: datetime) -> int:
    """Note what decisions of patients are to be saved; how many."""
    c = consent.c
    query = sa.select(
        sa.literal("consent"), c.id, sa.literal(""), c.patient_id, sa.literal(DONE),
        sa.literal(clock.now(), outside_item.c.changed_at.type),
    ).where(c.decided_at >= since, c.source.in_(_OWN_DECISIONS), ~_is_known("consent", c.id, ""))  # fmt: skip
    with record.write() as connection:
        return _note(connection, query)


def find_acts(record: Record, clock: Clock, since: datetime) -> int:
    """Note what acts of the audit trail are to be saved; how many."""
    c = audit_act.c
    query = sa.select(
        sa.literal("act"), c.number, c.stream, sa.null(), sa.literal(DONE),
        sa.literal(clock.now(), outside_item.c.changed_at.type),
    ).where(c.timestamp >= since, ~_is_known("act", c.number, c.stream))  # fmt: skip
    with record.write() as connection:
        return _note(connection, query)


def _open_batches(connection: Connection, after: int) -> dict[int, bool]:
    """
    The next batches whose messages are to be looked through, and whether each is over.

    Their rows are locked: a receipt that is applied at this moment waits, or was seen.
    """
    known = sa.select(outside_batch.c.batch_id).where(outside_batch.c.batch_id == batch.c.id)
    rows = connection.execute(
        sa.select(batch.c.id, batch.c.settled)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(
            batch.c.id > after,
            ~known.exists(),
            batch.c.accepted + batch.c.rejected + batch.c.unknown > 0,
            campaign.c.save_to_record,
            ~campaign.c.dry_run,
            campaign.c.gateway != OUTBOX,
        )
        .order_by(batch.c.id)
        .limit(_BATCHES)
        .with_for_update(of=batch)
    )
    return {row.id: row.settled for row in rows}


def _note_messages(
    connection: Connection, batches: list[int], since: datetime, now: datetime
) -> int:
    """A message told by another's belongs to the batch of that one: its status is that one's."""
    i, own, teller = clinical_item.c, message.alias("own"), message.alias("teller")
    mine = sa.select(own.c.id).where(is_any_of(own.c.batch_id, batches), own.c.told_by.is_(None))
    told = (
        sa.select(own.c.id)
        .join(teller, teller.c.id == own.c.told_by)
        .where(is_any_of(teller.c.batch_id, batches))
    )
    query = sa.select(
        sa.literal("message"), i.id, sa.literal(""), i.patient_id, i.status,
        sa.literal(now, outside_item.c.changed_at.type),
    ).where(
        i.id.in_(mine.union_all(told)),
        i.status != "kept",
        sa.func.coalesce(i.sent_at, i.status_at) >= since,
        ~_is_known("message", i.id, "", wanted=i.status),
    )  # fmt: skip
    return _note(connection, query)


def _is_known(
    kind: str, key: Any, stream: Any, wanted: sa.ColumnElement[str] | None = None
) -> sa.Exists:
    o = outside_item.c
    known = sa.select(o.id).where(o.kind == kind, o.item_id == key, o.stream == stream)
    return (known if wanted is None else known.where(o.wanted == wanted)).exists()


def _note(connection: Connection, query: sa.Select[Any]) -> int:
    """Write what is new, and the new status of what is known; what was refused stays refused."""
    insert = _insert(connection, outside_item)
    o, new = outside_item.c, insert.excluded
    statement = insert.from_select(
        ["kind", "item_id", "stream", "patient_id", "wanted", "changed_at"], query
    ).on_conflict_do_update(
        index_elements=["kind", "item_id", "stream"],
        set_={
            "wanted": new.wanted,
            "state": sa.case((o.state == "refused", "refused"), else_="waiting"),
            "changed_at": new.changed_at,
        },
    )
    counted = {"preserve_rowcount": True}
    return int(connection.execute(statement, execution_options=counted).rowcount)


def _insert(connection: Connection, table: sa.Table) -> Any:
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)
