"""
What is due of drafts, and what came of it: told by their states, so that a helper that is killed goes on.

Whatever is written here is written under the draft's request key: who changed it meanwhile has another key, and
what came of the old one counts for nothing.
"""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.govern.people.operators import Operator, find_operator
from clinic.govern.sessions.terminal import mark_of
from clinic.message import states
from clinic.message.campaign.campaign import refuse
from clinic.message.drafts.draft import (
    CHECKING,
    KEY,
    OPEN,
    READY,
    SENDING,
    SENT,
    Draft,
    draft_of,
    get_draft,
    new_key,
)
from clinic.record.database import Record
from clinic.record.schema.campaigns import draft
from clinic.record.schema.messages import campaign

MOST_TRIES: Final = 4


def next_due(record: Record) -> Draft | None:
    """The draft whose work is due first: a file to be read, a list to be checked, a message to be sent."""
    d = draft.c
    unread = (d.state == OPEN) & d.file.is_not(None) & d.rows.is_(None) & (d.problem == "")
    query = sa.select(draft).where(d.state.in_([CHECKING, SENDING]) | unread)
    with record.read() as connection:
        row = connection.execute(query.order_by(d.changed_at, d.id).limit(1)).mappings().first()
    return draft_of(row) if row is not None else None


def note_try(record: Record, own: Draft) -> bool:
    """That its work is begun once more; False: it was begun too often without coming to an end."""
    d = draft.c
    with record.write() as connection:
        connection.execute(sa.update(draft).where(_same(own)).values(tries=d.tries + 1))
    return own.tries < MOST_TRIES


def is_changed(record: Record, own: Draft) -> bool:
    """Whether its owner changed or discarded it since it was read: what comes of it counts for nothing."""
    with record.read() as connection:
        return connection.scalar(sa.select(draft.c.id).where(_same(own))) is None


def note_read(record: Record, own: Draft, rows: int) -> None:
    """How many rows its upload has."""
    _note(record, own, rows=rows, tries=0)


def note_made(record: Record, own: Draft, campaign_id: int) -> Draft | None:
    """Which campaign was made of it: the draft then. None: it was changed meanwhile, and that is refused."""
    with record.read() as connection:
        one = sa.select(campaign.c.list_id).where(campaign.c.id == campaign_id)
        list_id = connection.scalar(one)
    if _note(record, own, campaign_id=campaign_id, list_id=list_id, file=None):
        return replace(own, campaign_id=campaign_id, list_id=list_id, file=None)
    refuse(record, campaign_id, "not-confirmed")
    return None


def note_ready(record: Record, own: Draft) -> None:
    """A person may decide over it now."""
    _note(record, own, state=READY, tries=0)


def note_problem(record: Record, own: Draft, code: str, says: str) -> None:
    """What is to be put right first; the next check is another campaign, and this one's rows say why."""
    told = {"state": OPEN, "request_key": new_key(), "mark": "", "tries": 0}
    if _note(record, own, **told, problem=code, says=says):
        refuse_left(record)


def note_sent(record: Record, own: Draft, says: str = "") -> None:
    """It is on its way, or waits for another person; `says`: what keeps it meanwhile, if anything does."""
    _note(record, own, state=SENT, tries=0, says=says)


def ask_send(record: Record, clock: Clock, number: int, person: Operator) -> Draft:
    """
    Its owner says yes to what they reviewed; the draft as it is then. Again: nothing.

    Args:
        person: proven; their word is marked with the key of the trail, so that no row put in by SQL sends

    Raises:
        NotFound: it is nobody's, or another's
        NotAllowed: it was changed since, and is not checked
    """
    own = get_draft(record, number, person.name)
    if own.is_sent:
        return own
    now = clock.now().replace(microsecond=0)
    with record.write() as connection:
        told = {"state": SENDING, "changed_at": now, "tries": 0}
        moved = sa.update(draft).where(_same(own), draft.c.state == READY)
        mark = mark_of(connection, _text(own), own.owner, now)
        done = connection.execute(moved.values(**told, mark=mark)).rowcount
    if not done and not get_draft(record, number, person.name).is_sent:
        raise NotAllowed(
            "draft-changed",
            "it was changed since this review, and nothing was sent: review it again",
        )
    return get_draft(record, number, person.name)


def require_said(record: Record, own: Draft) -> Operator:
    """
    Who said to send it.

    Raises:
        NotAllowed: nobody did, or they are disabled by now
    """
    with record.read() as connection:
        right = mark_of(connection, _text(own), own.owner, own.changed_at)
        person = find_operator(connection, own.owner)
    if not hmac.compare_digest(own.mark, right) or person is None or not person.active:
        raise NotAllowed(
            "draft-unproven",
            "nobody who may send has said to send this message: nothing was sent. Review it again",
        )
    return person


def refuse_left(record: Record) -> None:
    """A no to campaigns of drafts that were changed, of which a helper was killed before it could say so."""
    own = draft.c.request_key == campaign.c.request_key
    left = sa.select(campaign.c.id).where(
        campaign.c.state == states.CHECKING,
        campaign.c.request_key.startswith(KEY, autoescape=True),
        ~sa.exists().where(own),
    )
    with record.read() as connection:
        found = connection.scalars(left).all()
    for number in found:
        refuse(record, number, "not-confirmed")


def files_in_use(connection: Connection) -> set[str]:
    """The uploads that drafts still need."""
    return set(connection.scalars(sa.select(draft.c.file).where(draft.c.file.is_not(None))).all())


def _text(own: Draft) -> str:
    return f"send {own.id} {own.request_key} {own.campaign_id}"


def _same(own: Draft) -> sa.ColumnElement[bool]:
    return (draft.c.id == own.id) & (draft.c.request_key == own.request_key)


def _note(record: Record, own: Draft, **values: Any) -> bool:
    """Write it, unless the draft was changed meanwhile; whether it was written."""
    d = draft.c
    file = d.file.is_(None) if own.file is None else d.file == own.file
    with record.write() as connection:
        moved = sa.update(draft).where(_same(own), d.state == own.state, file).values(**values)
        return bool(connection.execute(moved).rowcount)
