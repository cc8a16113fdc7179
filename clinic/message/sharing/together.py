"""
One message where several patients of a number are told the same (NEW-27).

    staged    each has a message; all but the first of a number and text name the one that tells them
              (`told_by`), and wait in its batch
    intent    they wait while that one waits; if it will never leave, because its patient is deceased, say, or
              the gateway refused it, the next of them leaves in its place
    answer    once it left, or may have, they are `suppressed` with the reason `one_message` (told.py)
    saved     each has an item on their own record, with the state of the message that left

Only texts that name nobody are told together: those to adults who share a number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.codes import message_id
from clinic.message.sharing.standing import NEUTRAL
from clinic.message.told import note_told
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.schema.messages import batch, message
from clinic.record.told import is_told


def find_tellers(connection: Connection, job: Campaign, ready: pd.DataFrame) -> pd.Series[int]:
    """For each row the message that says the same to the same number already, of this block or before it."""
    keys = ["address", "body", "subject"]
    neutral = ready.loc[ready["greeting"] == NEUTRAL, keys].fillna("")
    if neutral.empty:
        return pd.Series(pd.NA, ready.index, dtype="Int64")
    own = pd.Series(
        [message_id(job.message_base, row) for row in neutral.index], neutral.index, dtype="Int64"
    )
    first = own.groupby([neutral[name] for name in keys]).transform("min")
    before = _staged(connection, job, neutral["address"].unique().tolist())
    known = pd.Series(
        [before.get(tuple(row)) for row in neutral.itertuples(index=False, name=None)],
        neutral.index,
        dtype="Int64",
    )
    teller = known.fillna(first)
    return teller.mask(teller == own).reindex(ready.index)


def _staged(
    connection: Connection, job: Campaign, addresses: list[str]
) -> dict[tuple[Any, ...], int]:
    """The messages of earlier blocks that tell others, by number and text."""
    rows = connection.execute(
        sa.select(message.c.id, message.c.address, message.c.body, message.c.subject).where(
            message.c.campaign_id == job.id,
            # As the index has it (ix_message_neutral): no parameter, of which a plan could not be sure
            message.c.greeting == sa.literal_column(f"'{NEUTRAL}'"),
            message.c.told_by.is_(None),
            is_any_of(message.c.address, addresses),
        )
    )
    return {(row.address, row.body, row.subject or ""): row.id for row in rows}


def batches_of(connection: Connection, tellers: pd.Series[int]) -> pd.Series[int]:
    """The number of the batch that each of these messages is in; same index."""
    ids = tellers.unique().tolist()
    rows = connection.execute(
        sa.select(message.c.id, batch.c.number)
        .join(batch, batch.c.id == message.c.batch_id)
        .where(is_any_of(message.c.id, ids))
    ).all()
    return tellers.map({row[0]: row[1] for row in rows}).astype("int64")


_teller = message.alias("teller")
_STILL_WAIT: Final = (
    sa.select(
        message.c.id, message.c.told_by, message.c.address, _teller.c.address, _teller.c.state
    )
    .outerjoin(_teller, _teller.c.id == message.c.told_by)
    .where(
        message.c.batch_id == sa.bindparam("this_batch"),
        message.c.state == states.PENDING,
        message.c.told_by.is_not(None),
    )
    .order_by(message.c.id)
)


def tell_together(connection: Connection, batch_id: int, now: datetime) -> int:
    """
    Suppress the waiting messages of a batch that one which left tells; how many.

    Asked last in the intent: what is left out by then tells nobody, and the next one takes its place. Whoever
    still names a teller after that waits for it.
    """
    told = note_told(connection, batch_id, now)
    waits = connection.execute(_STILL_WAIT, {"this_batch": batch_id}).all()
    moved: list[tuple[int, int | None]] = []
    instead: dict[tuple[int, str], int] = {}
    for key, told_by, address, its_address, its_state in waits:
        if its_state == states.PENDING and its_address == address:
            continue
        # The first of them tells the others, if their number is still the same
        first = instead.setdefault((told_by, address), key)
        moved.append((key, None if first == key else first))
    update_rows(connection, message, ["id", "told_by"], moved)
    return len(told)


def told_with(connection: Connection, tellers: Sequence[int]) -> dict[int, list[int]]:
    """The messages of those whom these tell too, by the one that tells them: their items go with its own."""
    rows = connection.execute(
        sa.select(message.c.told_by, message.c.id).where(
            is_any_of(message.c.told_by, tellers), is_told()
        )
    )
    found: dict[int, list[int]] = {}
    for teller, key in rows.tuples():
        found.setdefault(teller or 0, []).append(key)
    return found
