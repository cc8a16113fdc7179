"""Fills in the links of messages that are about to leave, and keeps what they will be known by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from clinic.errors import RecordUnsafe
from clinic.gateway.protocol import Outgoing
from clinic.gateway.rehearsal import RehearsalGateway
from clinic.link.token import DOCUMENT, PLACEHOLDER, digest_of, token
from clinic.record.database import key_of
from clinic.record.schema.door.links import patient_link
from clinic.record.schema.messages import OUTBOX

LASTS: Final = timedelta(days=28)  # ACX-15
# Nothing leaves through these: what they show has no link that works
_KEPT_HERE: Final = frozenset({OUTBOX, RehearsalGateway.name})


def linked(messages: Sequence[Outgoing], gateway: str) -> list[int]:
    """The references of those whose link is to be made, if they leave through this gateway."""
    if gateway in _KEPT_HERE:
        return []
    return [one.reference for one in messages if PLACEHOLDER in one.body]


def with_links(
    connection: Connection, messages: Sequence[Outgoing], gateway: str
) -> list[Outgoing]:
    """
    The messages as the gateway gets them. Again: the same bytes.

    Raises:
        RecordUnsafe: there are links to make, and the key of the trail is not here
    """
    whose = frozenset(linked(messages, gateway))
    if not whose:
        return list(messages)
    key = _key(connection)
    return [
        replace(one, body=one.body.replace(PLACEHOLDER, token(key, DOCUMENT, one.reference)))
        if one.reference in whose
        else one
        for one in messages
    ]


def keep_links(
    connection: Connection, campaign_id: int, references: Iterable[int], now: datetime
) -> None:
    """
    Keep the digests of the links of these messages, in the transaction of the intent. Again: nothing.

    Raises:
        RecordUnsafe: the key of the trail is not here
    """
    key = _key(connection)
    rows = [
        {
            "digest": digest_of(token(key, DOCUMENT, reference)), "purpose": DOCUMENT,
            "campaign_id": campaign_id, "message_id": reference, "made_at": now,
            "expires_at": now + LASTS,
        }
        for reference in references
    ]  # fmt: skip
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(patient_link).on_conflict_do_nothing(), rows)


def _key(connection: Connection) -> bytes:
    key = key_of(connection)
    if key is None:
        raise RecordUnsafe(
            "link-key-missing",
            "links are made from the key of the audit trail, which this record has not: messages with a "
            "document cannot be sent from it (docs/door.md)",
        )
    return key


def require_key(connection: Connection) -> None:
    """
    Whether links can be made here.

    Raises:
        RecordUnsafe: they cannot
    """
    _key(connection)
