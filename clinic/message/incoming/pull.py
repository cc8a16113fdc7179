"""Pulls receipts and replies from the gateway into the record, from where the last pull ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.clock import Clock
from clinic.gateway.incoming.parse import Incoming
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies
from clinic.message.incoming.unread import keep_unread
from clinic.message.incoming.unsubscribe import keep_complaints
from clinic.record.database import Record
from clinic.record.schema.receipts import receipt_cursor
from clinic.settings import Phones, Replies

_PROGRAMS: Final = Replies()
MOST_PAGES: Final = 1_000  # a gateway whose cursor runs in a circle must not hold us for ever

Fetch = Callable[[str | None], Incoming]


def pull(
    record: Record, clock: Clock, fetch: Fetch, *, gateway: str, phones: Phones,
    words: Replies = _PROGRAMS,
) -> int:  # fmt: skip
    """
    Keep every page that the gateway has for us; how many receipts, replies and complaints were new.

    The cursor moves after its page is kept: killed between, the page comes again and changes nothing.

    Args:
        fetch: gives the page after a cursor; None: the first

    Raises:
        GatewayProblem: of `fetch`; what was fetched before is kept
    """
    with record.read() as connection:
        after = connection.scalar(
            sa.select(receipt_cursor.c.cursor).where(receipt_cursor.c.gateway == gateway)
        )
    new = 0
    for _ in range(MOST_PAGES):
        page = fetch(after)
        new += keep_receipts(record, clock, page.receipts)
        new += keep_replies(record, clock, page.replies, phones, words)
        new += keep_complaints(record, clock, page.complaints, phones)
        keep_unread(record, clock, page.unread)
        if page.next is None or page.next == after:
            break
        after = page.next
        with record.write() as connection:
            _move_cursor(connection, gateway, after, clock.now())
    return new


def _move_cursor(connection: Connection, gateway: str, cursor: str, now: datetime) -> None:
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(
        receipt_cursor
    )
    new = insert.excluded
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=["gateway"], set_={"cursor": new.cursor, "pulled_at": new.pulled_at}
        ).values(gateway=gateway, cursor=cursor, pulled_at=now)
    )
