"""
One click in an e-mail (RFC 8058): the link names a message, the message names who and where.

A complaint to the mail service (ARF) names a message too, and is listed for a person instead: who presses
"spam" on a recall has not said that they want none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.gateway.received import Complaint, Inbound
from clinic.message.eligibility.decisions import Decision, decide_addresses, write_consents
from clinic.message.incoming.replies import keep_replies
from clinic.message.sharing.standing import NEUTRAL
from clinic.record.bulk import is_any_of
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent
from clinic.settings import Phones

# Among the replies: no word of the person's, and one that says that it may be an opt-out
_COMPLAINT: Final = (
    "[No words of this person: their mail service reports that they marked our e-mail as spam. "
    "Unsubscribe them?]"
)


def keep_complaints(
    record: Record, clock: Clock, complaints: Sequence[Complaint], phones: Phones
) -> int:
    """List complaints among the replies, for a person to decide; how many were new."""
    if not complaints:
        return 0
    wanted = sorted({one.reference for one in complaints})
    with record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.id, message.c.address).where(
                is_any_of(message.c.id, wanted), message.c.channel == "email"
            )
        ).all()
    addresses = {row.id: row.address for row in rows}
    replies = [
        Inbound(
            one.gateway,
            one.event_id,
            "email",
            addresses[one.reference],
            _COMPLAINT,
            one.happened_at,
        )
        for one in complaints
        if one.reference in addresses
    ]
    return keep_replies(record, clock, replies, phones)


def unsubscribe(record: Record, clock: Clock, reference: int) -> bool:
    """
    Opt the message's address, and its patient, out of its channel; False: there is no such message.

    Again for the same message while that decision stands: nothing.
    """
    now = clock.now()
    with record.write() as connection:
        row = connection.execute(
            sa.select(
                message.c.patient_id, message.c.channel, message.c.address, message.c.greeting
            ).where(message.c.id == reference)
        ).one_or_none()
        if row is None:
            return False
        evidence = f"by_link {reference}"
        decision = Decision(row.channel, row.address, "opt_out", now, evidence)
        decide_addresses(connection, [decision])
        latest = connection.execute(
            sa.select(consent.c.decision)
            .where(consent.c.patient_id == row.patient_id, consent.c.channel == row.channel)
            .order_by(consent.c.decided_at.desc(), consent.c.id.desc())
            .limit(1)
        ).scalar_one_or_none()
        # Of adults who share an address nobody knows who clicked: that it gets nothing is all that was said
        own = row.patient_id > 0 and row.greeting != NEUTRAL
        if own and latest != "opt_out":
            opt_out = {
                "patient_id": row.patient_id,
                "channel": row.channel,
                "purpose": "any",
                "decision": "opt_out",
                "decided_at": now,
                "source": "unsubscribe",
            }
            write_consents(connection, [opt_out])
    return True
