"""What came of a row by the other channel, beside its outcome by the first: for the file of outcomes."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.intake.fallback import SAYS
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import campaign, message
from clinic.record.told import of_teller

_AFTER: Final = campaign.alias("after")
_THEIRS: Final = message.alias("theirs")
# Of a row: by which campaign it was taken, and what became of its message there; empty: by none
COLUMNS: Final = (
    fallback_person.c.taken_by.label("taken_by"),
    of_teller("state", _THEIRS).label("then"),
)


def joined(rows: sa.FromClause, own: Campaign) -> sa.Join:
    """Rows of the campaign's list, with what `COLUMNS` are read from: rows keep their numbers."""
    one = fallback_person.c
    return (
        rows.outerjoin(
            fallback_person,
            (one.campaign_id == own.id) & (one.row_number == list_row.c.row_number),
        )
        .outerjoin(_AFTER, _AFTER.c.id == one.taken_by)
        .outerjoin(_THEIRS, _THEIRS.c.id == _AFTER.c.message_base + list_row.c.row_number)
    )


def says_then(own: Campaign, taken_by: int | None, state: Any) -> str:
    """In words; "": no other channel has it."""
    if taken_by is None or own.fallback is None:
        return ""
    kept = own.gateway == states.OUTBOX
    words = {None: "not sent", states.ACCEPTED: "kept in the outbox" if kept else "sent"}
    return f"Then by {SAYS[own.fallback]}, campaign {taken_by}: {words.get(state, state)}."
