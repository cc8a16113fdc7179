"""
Before a submission that was left open is sent again: the calendar, the pace and the patients are asked again.

A replay sends the same bytes, so nobody can be taken out of a request. Whoever died or opted out since
the intent may have their message already, or may not: the request that holds it is not sent again, and
its messages are listed as `unknown`. Better some more to look up than a text to somebody who is deceased.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.message import states
from clinic.message.campaign.trail import tell_moved, tell_sent
from clinic.message.codes import pack
from clinic.message.eligibility.at_sending import left_out
from clinic.message.eligibility.readdress import no_longer_proxys
from clinic.message.sending.ledger import Claim, Ledger
from clinic.message.sending.submissions import Submission
from clinic.message.told import note_told
from clinic.record.bulk import is_any_of, update_rows
from clinic.record.schema.messages import batch, message, submission


def readmit(ledger: Ledger, claim: Claim, sent: Submission) -> Submission | None:
    """
    The submission with those members open that may be asked about again now; None if there are none.

    Raises:
        FenceLost: another worker holds the batch
    """
    now = ledger.clock.now()
    with ledger.record.write() as connection:
        ledger.hold_fence(connection, claim)
        later = _not_now(connection, ledger, claim, sent, now)
        if later is not None:
            ledger.give_back(connection, claim, not_before=later)
            return None
        if not ledger.may_send(connection, claim):
            ledger.give_back(connection, claim)
            return None
        if ledger.hold_stale(connection, claim, now):
            return None
        held = _requests_of(sent, _who_may_not(connection, ledger, claim, sent, now))
        if held:
            _give_up(connection, claim, sent, held, now)
        left = dataclasses.replace(sent, open=sent.open - held)
        if not left.open:
            ledger.finish(connection, claim)
            return None
        ledger.turn(connection, claim, now).take(len(left.open))
        return left


def _not_now(
    connection: Connection, ledger: Ledger, claim: Claim, sent: Submission, now: datetime
) -> datetime | None:
    opening = ledger.closed_until(claim, now) or _asleep_until(connection, ledger, claim, sent, now)
    if opening is not None:
        return opening
    allowed = ledger.turn(connection, claim, now).allowance(len(sent.open))
    # All or nothing; a pace that was made slower since must not hold it for ever
    return None if allowed.count == len(sent.open) or allowed.idle else allowed.more_at


def _asleep_until(
    connection: Connection, ledger: Ledger, claim: Claim, sent: Submission, now: datetime
) -> datetime | None:
    """When it opens for those of the open messages whose hours are closed; None: it is open for all."""
    later = ledger.wakes_at(claim, now)
    if later is None:
        return None
    asleep = sa.select(message.c.id).where(
        is_any_of(message.c.id, sorted(sent.open)), ~ledger.is_awake(claim, now)
    )
    return later if connection.scalar(asleep.limit(1)) else None


def _who_may_not(
    connection: Connection, ledger: Ledger, claim: Claim, sent: Submission, now: datetime
) -> frozenset[int]:
    """References of open messages to patients who may not be messaged any more."""
    is_open = is_any_of(message.c.id, sorted(sent.open))
    moment = ledger.moment(connection, claim, is_open, now)
    refused = ledger.refused_now(connection, claim, is_open, now)
    others = no_longer_proxys(connection, is_open, claim.channel, ledger.timing.phones)
    return frozenset((*(key for key, _ in (*left_out(moment), *refused)), *others))


def _requests_of(sent: Submission, references: frozenset[int]) -> frozenset[int]:
    """Every open message of the requests that hold one of these."""
    held: set[int] = set()
    for first in range(0, len(sent.messages), sent.per_request):
        request = {one.reference for one in sent.messages[first : first + sent.per_request]}
        if request & references:
            held |= request & sent.open
    return frozenset(held)


def _give_up(
    connection: Connection,
    claim: Claim,
    sent: Submission,
    held: frozenset[int],
    now: datetime,
) -> None:
    update_rows(
        connection,
        message,
        ["id", "state", "reason", "gateway", "sent_at", "status_at"],
        [
            (reference, states.UNKNOWN, "no_answer", sent.gateway, now, now)
            for reference in sorted(held)
        ],
        only_if=f"state = '{states.PENDING}'",
    )
    rest = sorted(sent.open - held)
    closed = {} if rest else {"state": states.AMBIGUOUS, "closed_at": now}
    connection.execute(
        sa.update(submission)
        .where(submission.c.id == sent.id)
        .values(open_members=pack(rest), **closed)
    )
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == claim.batch_id)
        .values(unknown=batch.c.unknown + len(held))
    )
    told = note_told(connection, claim.batch_id, now)
    tell_sent(connection, claim.campaign_id, claim.number, dict.fromkeys(held, states.UNKNOWN), now)
    tell_moved(connection, "left-out", told, now)
