"""
Sends batches: claim, intend, send, record, until none is left that can be sent now.

Any number of threads, processes and hosts may run this for the same campaign: each batch is one
worker's at a time, and nothing is sent twice when one takes over from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa

from clinic.errors import FenceLost
from clinic.gateway.protocol import Answer, Gateway, Outgoing
from clinic.message import states
from clinic.message.campaign import canary
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.sending_stop import may_leave
from clinic.message.incoming.receipts import keep_late_answer
from clinic.message.sending.choice import choose, of_these
from clinic.message.sending.late_answers import is_away, patiently
from clinic.message.sending.ledger import Claim, Ledger
from clinic.message.sending.replay import readmit
from clinic.message.sending.restore_guard import SetBack, hold_set_back
from clinic.message.sending.submissions import (
    Submission,
    find_open,
    intend,
    named,
    record_answer,
    with_nhs_numbers,
)
from clinic.record.schema.messages import batch, campaign

# A batch that must wait longer than this is left in the record for a later run
PATIENCE = timedelta(minutes=2)
LATE = "the record was too slow to answer: the batch could not be sent while it was surely ours"


def deliver(
    ledger: Ledger,
    gateway: Gateway,
    campaign_id: int,
    first: int,
    last: int,
    *,
    others: Sequence[Gateway] = (),
    patience: timedelta = PATIENCE,
) -> None:
    """
    Send what still waits in the batches from `first` to `last` (ARC-14: at most 1,000 each).

    others: the campaign's other gateways, where it has several

    Safe to run again after any failure, and beside itself. Returns when nothing is left that could
    be sent within `patience`, or once the ledger's process is to stop: what waits then is in the ledger,
    for the next run.
    """
    give_up = ledger.clock.elapsed() + patience.total_seconds()
    while not ledger.stopping():
        claim = ledger.claim(campaign_id, first, last)
        if claim is not None:
            if send_batch(ledger, gateway, claim, others=others):
                give_up = ledger.clock.elapsed() + patience.total_seconds()
            continue
        wait = seconds_until_next(ledger, campaign_id, first, last)
        if wait is None or ledger.clock.elapsed() + wait > give_up:
            return
        ledger.clock.sleep(min(wait, 1.0))


def send_batch(
    ledger: Ledger, gateway: Gateway, claim: Claim, *, others: Sequence[Gateway] = ()
) -> bool:
    """
    Take one claimed batch one step on: close what was left open, or send what waits.

    Whether anything was closed. If the batch was taken over meanwhile nothing is written: whoever
    holds it now closes it. If the record was set back, all sending is stopped.
    """
    try:
        return _send(ledger, (gateway, *others), claim)
    except FenceLost:
        return False
    except SetBack as found:
        hold_set_back(ledger.record, ledger.clock, found)
        return False


def _send(ledger: Ledger, gateways: Sequence[Gateway], claim: Claim) -> bool:
    sent = find_open(ledger, claim, *gateways)
    ledger.reached("payload.read")
    gateway = choose(ledger, claim, gateways) if sent is None else named(sent.gateway, *gateways)
    claim = of_these(claim, gateway, gateways)
    if sent is None:
        sent = intend(ledger, claim, gateway)
    elif not sent.is_past_asking(ledger.clock.now()):
        sent = readmit(ledger, claim, sent)
    if sent is None:
        return True
    messages = _whole(ledger, gateway, sent)
    if sent.replay and sent.is_past_asking(ledger.clock.now()):
        # To ask again could message somebody twice: they become `unknown`
        return _record(ledger, gateway, claim, sent, Answer(), called=False)
    called = False
    if sent.replay and sent.changed:
        answer = Answer(halt="payload-changed")  # the gateway would take it for another message
    elif sent.elsewhere:
        answer = Answer(halt="gateway-gone")  # what one may have taken is not asked of another
    elif is_late(ledger, claim):
        # Cut off from the record, or slow: by our own clock another worker may hold the batch before a call
        # would end. Nothing of this attempt left, and a replay's messages stay as open as they were
        answer = Answer(not_sent=sent.open, retry_after=0.0, trouble=LATE)
    else:
        if sent.replay:  # whoever left it open may have died before they noted it
            ledger.witness.note(sent.id, ledger.clock.now())
        called = True
        answer = gateway.send(sent.id, messages, per_request=sent.per_request, only=sent.open)
    ledger.reached("send.returned")
    return _record(ledger, gateway, claim, sent, answer, called=called)


def _whole(ledger: Ledger, gateway: Gateway, sent: Submission) -> Sequence[Outgoing]:
    """Its messages, with NHS numbers where the gateway wants them."""
    if not getattr(gateway, "wants_nhs_number", False):
        return sent.messages
    with ledger.record.read() as connection:
        return with_nhs_numbers(connection, sent.messages)


def is_late(ledger: Ledger, claim: Claim) -> bool:
    """Whether a call begun now might outlast the lease of the batch: nobody can tell us that it was renewed."""
    return ledger.clock.elapsed() > claim.call_until


def _record(
    ledger: Ledger,
    gateway: Gateway,
    claim: Claim,
    sent: Submission,
    answer: Answer,
    *,
    called: bool,
) -> bool:
    """
    Write the answer, also if the database is away for a while; whether anything was settled.

    Raises:
        sqlalchemy.exc.DBAPIError: it was away for longer than the batch is ours; the answer is kept on disk
    """
    try:
        return patiently(
            ledger.clock,
            ledger.lease,
            lambda: record_answer(ledger, claim, sent, answer, called=called).moved,
            stopping=ledger.stopping,
        )
    except FenceLost:
        # Not ours to write any more, but evidence of what the gateway has
        # (clinic/message/incoming/apply_receipts.py)
        keep_late_answer(ledger.record, ledger.clock, gateway.name, sent.id, answer.results)
        return False
    except sa.exc.DBAPIError as error:
        if is_away(error) and ledger.late_answers is not None:
            ledger.late_answers.keep(gateway.name, sent.id, answer)
        raise


def seconds_until_next(ledger: Ledger, campaign_id: int, first: int, last: int) -> float | None:
    """How long until a batch of these can be claimed; None if none ever will in this state."""
    now = ledger.clock.now()
    with ledger.record.read() as connection:
        job = get_campaign(connection, campaign_id)
        if job.state not in states.SENDING or not connection.scalar(
            sa.select(may_leave()).where(campaign.c.id == campaign_id)
        ):
            return None
        rows = connection.execute(
            sa.select(batch.c.state, batch.c.not_before, batch.c.lease_until).where(
                batch.c.campaign_id == campaign_id,
                batch.c.number.between(first, last),
                batch.c.state.in_([states.READY, states.LEASED]),
            )
        ).all()
    waits = [
        ((row.lease_until if row.state == states.LEASED else row.not_before) or now) - now
        for row in rows
    ]
    if not waits:
        return None
    wait = max(min(waits), ledger.timing.opening(job.channel, now, dry_run=job.dry_run) - now)
    wait = max(wait, canary.wait_of(job, first, now))
    # A leased batch may be given back at any moment: look again at least once a second
    return max(0.02, wait.total_seconds())
