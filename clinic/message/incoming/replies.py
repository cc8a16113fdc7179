"""
What patients answer: every reply is kept; a keyword acts at once, anything else is listed for a person.

    keep_replies    reply, and the decision of its number, in one transaction: nothing is sent after that
    apply_replies   the patients who have the number: a decision of the one who sent it, and of others who
                    share it a question to a person (shared_stop.py)

What is no keyword is marked by words that should be read first (words/marks.py), and is open until somebody
closes it (reply_work.py). "Wrong number" and a death hold the number at once (eligibility/held.py).

Both may be run again: an event that comes twice is one reply, and a reply is applied once (NEW-5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, NamedTuple

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.errors import NotFound
from clinic.gateway.received import Inbound
from clinic.govern.audit.chain import hold
from clinic.message.eligibility.decisions import (
    Decision,
    decide_addresses,
)
from clinic.message.eligibility.held import find_messaged, hold_numbers, hold_patients
from clinic.message.eligibility.keywords import find_keyword, may_be_opt_out
from clinic.message.incoming.senders import Senders, find_senders
from clinic.message.incoming.shared_stop import Asked, take_in
from clinic.message.words.marks import DEATH, MARKS, marks_of
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.database import Record
from clinic.record.safe_numbers import shown
from clinic.record.schema.people import patient
from clinic.record.schema.receipts import reply
from clinic.settings import Phones
from clinic.settings import Replies as Words
from clinic.values.email import judge_emails
from clinic.values.phone import judge_mobiles

_PROGRAMS: Final = Words()
OPEN, IN_HAND, DONE = "open", "in_hand", "done"
_DECISIONS: Final = {"stop": "opt_out", "start": "opt_in"}
Work = Literal["take", "done", "reopen"]
BLOCK: Final = 1_000
PAGE: Final = 1_000


class _New(NamedTuple):
    """A reply of which nobody has looked up yet whose number it came from."""

    id: int
    channel: str
    address: str
    keyword: str | None
    happened_at: datetime
    marks: str | None


def keep_replies(
    record: Record, clock: Clock, replies: Sequence[Inbound], phones: Phones,
    words: Words = _PROGRAMS,
) -> int:  # fmt: skip
    """
    Keep replies, and act on the keywords among them by their numbers; how many were new.

    words: what should be read first, as a practice adds to it
    """
    if not replies:
        return 0
    now = clock.now()
    rows = _rows(replies, phones, now, words)
    with record.write() as connection:
        insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(reply)
        result = connection.execute(
            insert.on_conflict_do_nothing(), rows, execution_options={"preserve_rowcount": True}
        )
        decide_addresses(connection, _decisions(connection, rows))
        hold_numbers(connection, rows, now)
        return int(result.rowcount)


def _rows(
    replies: Sequence[Inbound], phones: Phones, now: datetime, words: Words
) -> list[dict[str, Any]]:
    addresses = _normal([one.sender for one in replies], phones)
    keywords = [find_keyword(one.text) for one in replies]
    marks = marks_of(
        [one.text if word is None else "" for one, word in zip(replies, keywords, strict=True)],
        words,
    )
    rows = {
        (one.gateway, one.event_id): {
            "gateway": one.gateway,
            "event_id": one.event_id,
            "channel": one.channel,
            "address": address,
            "text": one.text,
            "keyword": keyword,
            "marks": own,
            "state": DONE if keyword in _DECISIONS else OPEN,
            # A gateway's clock that runs ahead must not outlast what is decided later
            "happened_at": min(one.happened_at or now, now),
            "received_at": now,
        }
        for one, address, keyword, own in zip(replies, addresses, keywords, marks, strict=True)
    }
    return list(rows.values())


def _normal(senders: Sequence[str], phones: Phones) -> list[str]:
    """Addresses as messages have them; a sender that is none (a short code) as it came."""
    given = pd.Series(list(senders), dtype="str")
    international = given.where(~given.str.fullmatch(r"[1-9]\d{9,14}"), "+" + given)
    texts = judge_mobiles(international, phones)["address"].astype("str")
    emails = judge_emails(given)["address"].astype("str")
    normal = emails.where(given.str.contains("@", regex=False), texts)
    return list(normal.where(normal != "", given))


def _decisions(connection: Connection, rows: Sequence[dict[str, Any]]) -> Iterator[Decision]:
    """
    Those of the keywords, as they were kept when they first came, each with its reply's number.

    What the gateway repeats without a time would otherwise be dated anew, and outlast what came between.
    """
    acting = [row["event_id"] for row in rows if row["keyword"] in _DECISIONS]
    if not acting:
        return
    gateways = {row["gateway"] for row in rows}
    kept = connection.execute(
        sa.select(reply).where(reply.c.gateway.in_(gateways), is_any_of(reply.c.event_id, acting))
    )
    for row in kept:
        if row.keyword in _DECISIONS:
            decision = _DECISIONS[row.keyword]
            yield Decision(row.channel, row.address, decision, row.happened_at, f"reply {row.id}")


def apply_replies(record: Record, clock: Clock, phones: Phones, words: Words = _PROGRAMS) -> int:
    """Find whose numbers the new replies came from, and write the decisions of those; how many replies."""
    mark_old_replies(record, words)
    total = 0
    while True:
        with record.read() as connection:
            found = _new(connection)
            senders = {
                channel: find_senders(
                    connection, channel, [r.address for r in found if r.channel == channel], phones
                )
                for channel in {r.channel for r in found}
            }
            dead = [row for row in found if DEATH in (row.marks or "").split()]
            messaged = find_messaged(connection, {row.address for row in dead})
        if not found:
            return total
        with record.write() as connection:
            hold(connection, "replies")
            still = {row.id for row in _new(connection)}
            rows = [row for row in found if row.id in still]
            _write(connection, rows, senders)
            hold_patients(
                connection,
                (
                    (
                        row.id, row.channel, row.address,
                        {*senders[row.channel][row.address].all, *messaged.get(row.address, ())},
                    )
                    for row in dead
                    if row.id in still
                ),
                clock.now(),
            )  # fmt: skip
        total += len(found)


def mark_old_replies(record: Record, words: Words = _PROGRAMS) -> int:
    """Mark what came before there were marks; how many. They are to be read, and hold nothing."""
    total = 0
    unmarked = (
        sa.select(reply.c.id, reply.c.text, reply.c.keyword)
        .where(reply.c.marks.is_(None))
        .order_by(reply.c.id)
        .limit(BLOCK)
    )
    while True:
        # Looked for by its index and read-only: nearly always there is nothing to write
        with record.read() as connection:
            rows = connection.execute(unmarked).all()
        if not rows:
            return total
        marks = marks_of([row.text if row.keyword is None else "" for row in rows], words)
        keys = (row.id for row in rows)
        with record.write() as connection:
            update_rows(connection, reply, ["id", "marks"], list(zip(keys, marks, strict=True)))
        total += len(rows)


def _new(connection: Connection) -> list[_New]:
    columns = (reply.c[name] for name in _New._fields)
    query = sa.select(*columns).where(reply.c.patients.is_(None))
    found = connection.execute(query.order_by(reply.c.id).limit(BLOCK))
    return [_New._make(row) for row in found]


def _write(
    connection: Connection,
    rows: Sequence[_New],
    senders: dict[str, dict[str, Senders]],
) -> None:
    whose = {row.id: senders[row.channel][row.address] for row in rows}
    asked = [
        Asked(row.id, row.keyword, row.channel, row.address, row.happened_at, whose[row.id])
        for row in rows
        if row.keyword in _DECISIONS
    ]
    take_in(connection, asked, source="reply")
    update_rows(
        connection, reply, ["id", "patients"], [(key, len(who.all)) for key, who in whose.items()]
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """
    A reply as it is listed.

    patients: how many of the record have that number; None: not looked up yet
    may_be_opt_out: no keyword, but somebody may have asked for an end of messages: a person decides
    """

    id: int
    at: datetime
    channel: str
    address: str
    text: str
    keyword: str | None
    patients: int | None
    may_be_opt_out: bool
    marks: tuple[str, ...] = ()
    state: str = OPEN
    owner: str | None = None
    note: str | None = None
    state_by: str | None = None
    state_at: datetime | None = None


@dataclass(frozen=True)
class Wanted:
    """Which replies: all that is given must match. `state`: None: what is not done."""

    state: str | None = None
    mark: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Sharer:
    """A patient who has the number or address of a reply."""

    patient_id: int
    nhs_number: str | None
    local_id: str | None
    name: str
    birth_date: date | None
    status: str


def list_replies(
    record: Record, wanted: Wanted = Wanted(), *, keywords: bool = False, limit: int = PAGE
) -> list[Reply]:
    """
    What waits to be read: marked ones first, then whichever is oldest.

    Keywords that acted by themselves only if asked for: they need nobody.
    """
    c = reply.c
    acted = sa.func.coalesce(c.keyword, "").in_(_DECISIONS)
    rank = sa.case(*((c.marks.contains(each), n) for n, each in enumerate(MARKS)), else_=len(MARKS))
    which = {None: c.state != DONE, "all": sa.true()}.get(wanted.state, c.state == wanted.state)
    query = _listed().where(sa.or_(which, acted) if keywords else which & ~acted)
    if wanted.mark is not None:
        query = query.where(c.marks.contains(wanted.mark))
    if wanted.owner is not None:
        query = query.where(c.owner == wanted.owner.strip().lower())
    query = query.order_by(rank, c.id).limit(limit)
    with record.read() as connection:
        return _replies(connection, query)


def one_reply(record: Record, number: int, phones: Phones) -> tuple[Reply, list[Sharer]]:
    """
    A reply and the patients who have its number or address now.

    Raises:
        NotFound: there is no such reply
    """
    with record.read() as connection:
        found = _replies(connection, _listed().where(reply.c.id == number))
        if not found:
            raise NotFound("reply-unknown", f"there is no reply {number}; see: cohort replies")
        (own,) = found
        address = connection.scalars(sa.select(reply.c.address).where(reply.c.id == number)).one()
        ids = find_senders(connection, own.channel, [address], phones)[address].all
        names = (
            "id",
            "nhs_number",
            "local_id",
            "given_name",
            "family_name",
            "birth_date",
            "status",
        )
        people = connection.execute(
            sa.select(*(patient.c[name] for name in names))
            .where(is_any_of(patient.c.id, ids))
            .order_by(patient.c.id)
        ).all()
    return own, [
        Sharer(
            p.id,
            p.nhs_number,
            p.local_id,
            f"{p.given_name} {p.family_name}".strip(),
            p.birth_date,
            p.status,
        )
        for p in people
    ]


def steps_of(one: Reply) -> tuple[Work, ...]:
    """What somebody may do with it now; giving it to somebody is as taking it."""
    if one.state == DONE:
        return () if one.keyword in _DECISIONS else ("reopen",)
    return ("take", "done") if one.state == OPEN else ("done",)


def _listed() -> sa.Select[Any]:
    names = (
        "text", "keyword", "patients", "marks", "state", "owner", "note", "state_by", "state_at",
    )  # fmt: skip
    address = shown(reply.c.address).label("address")
    return sa.select(
        reply.c.id, reply.c.happened_at, reply.c.channel, address, *(reply.c[n] for n in names)
    )


def _replies(connection: Connection, query: sa.Select[Any]) -> list[Reply]:
    return [
        Reply(
            *[
                *row[:7],
                row.keyword is None and may_be_opt_out(row.text),
                tuple((row.marks or "").split()),
                *row[8:],
            ]
        )
        for row in connection.execute(query)
    ]
