"""One click in an e-mail (RFC 8058): the link names a message, the message names who and where."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.message.eligibility.decisions import Decision, decide_addresses, write_consents
from clinic.message.sharing.standing import NEUTRAL
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import consent


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
