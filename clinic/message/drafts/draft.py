"""
Drafts of bulk messages: each is its owner's alone, and is there until it is sent or discarded.

    open ──► checking ──► ready ──► sending ──► sent
      ▲          │          │          │
      └──────────┴──────────┴──────────┘   changed by its owner, or something is to be put right

Who composes moves a draft here; what takes long is done by the desk's helper process (work.py), told by the
draft's state alone. A change after a check refuses the campaign that was made and gives the draft another
request key, so that what was reviewed is never sent otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.message.campaign.campaign import refuse
from clinic.message.drafts.asked import Asked
from clinic.record.database import Record
from clinic.record.schema.campaigns import draft
from clinic.record.schema.messages import campaign

OPEN: Final = "open"
CHECKING: Final = "checking"
READY: Final = "ready"
SENDING: Final = "sending"
SENT: Final = "sent"
KEY: Final = "draft-"
"""Begins the request key of each campaign that is made of a draft."""
_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True)
class Draft:
    """As it was when it was read; the columns are told in clinic/record/schema/campaigns.py."""

    id: int
    owner: str
    state: str
    request_key: str
    asked: Asked
    file: str | None
    rows: int | None
    list_id: int | None
    campaign_id: int | None
    problem: str
    says: str
    mark: str
    tries: int
    began_at: datetime
    changed_at: datetime

    @property
    def is_sent(self) -> bool:
        """Whether its owner said to send it: then it cannot be changed any more."""
        return self.state in (SENDING, SENT)


def begin(record: Record, clock: Clock, owner: str) -> int:
    """A new draft of this person; its number. One in which nothing was chosen yet is taken instead."""
    empty, now = Asked().model_dump_json(), clock.now()
    d = draft.c
    with record.write() as connection:
        old = (d.owner == owner) & (d.state == SENT) & (d.changed_at < now - _KEPT)
        connection.execute(sa.delete(draft).where(old))
        unused = (d.owner == owner) & (d.state == OPEN) & (d.asked == empty)
        if (number := connection.scalar(sa.select(d.id).where(unused))) is not None:
            return int(number)
        values = {
            "owner": owner, "state": OPEN, "request_key": new_key(), "asked": empty, "problem": "",
            "says": "", "mark": "", "tries": 0, "began_at": now, "changed_at": now,
        }  # fmt: skip
        made = sa.insert(draft).values(**values).returning(d.id)
        return int(connection.execute(made).scalar_one())


def new_key() -> str:
    """The key of a draft's next campaign."""
    return f"{KEY}{uuid.uuid4()}"


def get_draft(record: Record, number: int, owner: str) -> Draft:
    """
    One's own draft.

    Raises:
        NotFound: there is none of this number, or it is another's
    """
    with record.read() as connection:
        return _own(connection, number, owner)


def list_drafts(record: Record, owner: str) -> list[Draft]:
    """One's own that are not sent yet, the last changed first; none in which nothing was chosen."""
    d = draft.c
    query = sa.select(draft).where(d.owner == owner, d.state != SENT).order_by(d.changed_at.desc())
    with record.read() as connection:
        found = [draft_of(row) for row in connection.execute(query).mappings()]
    return [one for one in found if one.asked != Asked()]


def change(
    record: Record, clock: Clock, number: int, owner: str, values: Mapping[str, Any], **columns: Any
) -> Draft:
    """
    Choose something; the draft as it is then. What was checked before counts no more.

    Args:
        values: of Asked, those that change; the same ones again change nothing
        columns: of the draft: file, rows, list_id

    Raises:
        NotFound: it is nobody's, or another's
        NotAllowed: it was sent
    """
    with record.write() as connection:
        own = _own(connection, number, owner, lock=True)
        asked = own.asked.filled(values)
        same = asked == own.asked and not columns
        if not same:
            _require_unsent(own)
            # Who answered for what was found answered for that, and for nothing else
            asked = asked.filled({"override": "", "again": False, **values})
            told = {"asked": asked.model_dump_json(), "changed_at": clock.now(), **columns}
            _set(connection, own, **told, **_opened())
    if not same:
        refuse_made(record, own.request_key)
    return get_draft(record, number, owner)


def ask_check(record: Record, clock: Clock, number: int, owner: str) -> None:
    """
    Let its list be checked and its messages be written. Again: nothing.

    Raises:
        NotFound: it is nobody's, or another's
        CohortRefused: something is yet to be chosen
    """
    with record.write() as connection:
        own = _own(connection, number, owner, lock=True)
        if own.state != OPEN:
            return
        if not own.asked.is_complete:
            missing = ", ".join(own.asked.missing)
            raise CohortRefused("draft-incomplete", f"this is yet to be chosen: {missing}")
        told = {"state": CHECKING, "campaign_id": None, "problem": "", "says": "", "tries": 0}
        _set(connection, own, **told, changed_at=clock.now())


def discard(record: Record, number: int, owner: str) -> str | None:
    """
    Let it go, with the campaign that was made of it; the file of its upload, if any.

    Raises:
        NotFound: it is nobody's, or another's
        NotAllowed: it was sent
    """
    with record.write() as connection:
        own = _own(connection, number, owner, lock=True)
        _require_unsent(own)
        connection.execute(sa.delete(draft).where(draft.c.id == own.id))
    refuse_made(record, own.request_key)
    return own.file


def refuse_made(record: Record, request_key: str) -> None:
    """A no to the campaign of this key, if there is one; its list may be tried again."""
    with record.read() as connection:
        made = connection.scalar(
            sa.select(campaign.c.id).where(campaign.c.request_key == request_key)
        )
    if made is not None:
        refuse(record, made, "not-confirmed")


def draft_of(values: sa.RowMapping) -> Draft:
    """The draft of a whole row of its table."""
    return Draft(**{**values, "asked": Asked.model_validate_json(values["asked"])})


def _own(connection: Connection, number: int, owner: str, *, lock: bool = False) -> Draft:
    query = sa.select(draft).where(draft.c.id == number, draft.c.owner == owner)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("draft-unknown", f"there is no draft {number} of yours")
    return draft_of(row)


def _require_unsent(own: Draft) -> None:
    if own.is_sent:
        raise NotAllowed(
            "draft-sent",
            f"this message was sent as campaign {own.campaign_id} and cannot be changed any more. To stop what "
            "has not left, cancel it there",
        )


def _opened() -> dict[str, Any]:
    """What an open draft has, whatever it was before."""
    return {
        "state": OPEN, "request_key": new_key(), "campaign_id": None, "problem": "", "says": "",
        "mark": "", "tries": 0,
    }  # fmt: skip


def _set(connection: Connection, own: Draft, **values: Any) -> None:
    connection.execute(sa.update(draft).where(draft.c.id == own.id).values(**values))
