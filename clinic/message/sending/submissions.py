"""
One attempt at one batch: the intent before it, and the record of what came back.

Sticky ambiguity: once a submission may have been sent, only an answer *for its key* decides a message of
it. A refused connection or a 429 on a replay proves nothing about the first try. (This rule's
absence cost 750 doubled messages in a prototype; tests/clinic/message/sending/test_sticky_ambiguity.py.)
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import orjson
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.gateway.protocol import Answer, Gateway, Outgoing, Taken, Turned
from clinic.link.sending import keep_links, linked, with_links
from clinic.message import states
from clinic.message.campaign.circuit_breaker import halt, reason_to_halt
from clinic.message.campaign.doubt import WINDOW_TRUST, Promise, give_up_lost
from clinic.message.campaign.trail import tell_moved, tell_sent
from clinic.message.codes import pack, submission_id, unpack
from clinic.message.eligibility.at_sending import WAITING
from clinic.message.parts import note_parts
from clinic.message.sending.choice import stand_in
from clinic.message.sending.ledger import Claim, Ledger
from clinic.message.sending.place import place_of
from clinic.message.told import note_told
from clinic.record.bulk import is_any_of, plain_rows, update_rows
from clinic.record.schema.messages import batch, campaign, installation, message, submission
from clinic.record.schema.people import patient

MOST_MEMBERS = 1000  # of a submission: a batch has no more
# Made once: they are asked with each batch (clinic/record/statements/made.py)
_OPEN: Final = sa.select(submission).where(
    submission.c.batch_id == sa.bindparam("this_batch"), submission.c.state == states.INTENT
)
_LAST_ATTEMPT: Final = sa.select(sa.func.coalesce(sa.func.max(submission.c.attempt), 0)).where(
    submission.c.batch_id == sa.bindparam("this_batch")
)
_INSTALLED: Final = sa.select(installation.c.install_id, campaign.c.message_base).join(
    campaign, campaign.c.id == sa.bindparam("this_campaign")
)
_AS_SENT: Final = sa.select(sa.literal(1)).where(
    submission.c.id == sa.bindparam("this"),
    submission.c.state == states.INTENT,
    submission.c.open_members == sa.bindparam("its_open"),
    submission.c.tries == sa.bindparam("its_tries"),
)
_ACKED: Final = (
    sa.update(submission)
    .where(submission.c.id == sa.bindparam("this"), submission.c.state == states.INTENT)
    .values(state=states.ACKED, open_members=b"", closed_at=sa.bindparam("now"))
)
_COUNT_UP: Final = (
    sa.update(batch)
    .where(batch.c.id == sa.bindparam("this_batch"))
    .values(
        accepted=batch.c.accepted + sa.bindparam("more_accepted"),
        rejected=batch.c.rejected + sa.bindparam("more_rejected"),
        unknown=batch.c.unknown + sa.bindparam("more_unknown"),
        attempts=batch.c.attempts + sa.bindparam("more_attempts"),
        trouble=sa.bindparam("its_trouble"),
    )
    .returning(batch.c.attempts)
)


@dataclass(frozen=True)
class Submission:
    """An open attempt. `messages` are all its members, so that a replay sends the same bytes."""

    id: str
    attempt: int
    gateway: str
    gateway_class: str
    messages: Sequence[Outgoing]
    open: frozenset[int]
    per_request: int
    window_until: datetime | None
    replay: bool
    fingerprint: str  # of the messages when the intent was written
    tries: int = 0  # calls that left something without an answer
    made_at: datetime | None = None
    doubted: bool = False  # of a record that was set back: what became of it then is lost
    elsewhere: bool = False  # the gateway is another one by now, or its name leads elsewhere
    withdrawn: bool = False  # the gateway does not promise any more what it did when this was sent

    @property
    def changed(self) -> bool:
        """Whether the messages are no longer what the intent was written for."""
        return fingerprint(self.messages) != self.fingerprint

    def is_past_asking(self, now: datetime) -> bool:
        """
        Whether a replay could message somebody twice: a blind gateway, one that has forgotten the key or
        takes back what it promised, or an attempt whose rest the lost record may have sent under another key.
        """
        forgotten = self.window_until is not None and now >= self.window_until
        return self.gateway_class == "B" or forgotten or self.doubted or self.withdrawn


def find_open(
    ledger: Ledger, claim: Claim, gateway: Gateway, *others: Gateway
) -> Submission | None:
    """
    The submission that a worker before us left open, if any, with its messages.

    It goes on through the one of these gateways that it was sent to, and what that promises by now counts.
    """
    with ledger.record.read() as connection:
        row = connection.execute(_OPEN, {"this_batch": claim.batch_id}).one_or_none()
        if row is None:
            return None
        messages = _messages(connection, is_any_of(message.c.id, unpack(row.members)))
        messages = with_links(connection, messages, row.gateway)
    gateway = named(row.gateway, gateway, *others)
    elsewhere = _is_elsewhere(row.gateway, row.place_sha256, ledger, gateway)
    window_until = row.window_until
    if gateway.window is not None and not elsewhere:
        until = row.created_at + gateway.window * WINDOW_TRUST
        window_until = min(window_until or until, until)
    return Submission(
        id=row.id,
        attempt=row.attempt,
        gateway=row.gateway,
        gateway_class=row.gateway_class,
        messages=messages,
        open=frozenset(unpack(row.open_members)),
        per_request=row.per_request,
        window_until=window_until,
        replay=True,
        fingerprint=row.payload_sha256,
        made_at=row.created_at,
        tries=row.tries,
        doubted=claim.doubt is not None and claim.doubt.covers(row.created_at, row.gateway_class),
        elsewhere=elsewhere,
        # I and R are promises of different things: who gives the other one takes this one back
        withdrawn=not elsewhere and gateway.gateway_class != row.gateway_class,
    )


def named(name: str, gateway: Gateway, *others: Gateway) -> Gateway:
    """The one of this name; the first, if none has it."""
    return next((one for one in others if one.name == name), gateway)


def _is_elsewhere(name: str, place: str | None, ledger: Ledger, gateway: Gateway) -> bool:
    """Whether who took it is not whom this gateway leads to; of older submissions the name alone tells."""
    if name != gateway.name:
        return True
    return place is not None and place != place_of(ledger.settings, name)


def intend(ledger: Ledger, claim: Claim, gateway: Gateway) -> Submission | None:
    """
    Commit the intent to send what still waits in the batch; None if nothing may or need be sent.

    In the same transaction the deceased and those who opted out since are left out, and the campaign's state,
    the age of what reminders rest on, the calendar and the pace are read again: if only some may be sent now,
    the rest stays in the batch.
    When this returns a submission, every byte of it may be sent.
    """
    ledger.reached("intent.begin")
    with ledger.record.write() as connection:
        ledger.hold_fence(connection, claim)
        if not ledger.may_send(connection, claim):
            ledger.give_back(connection, claim)
            return None
        now = ledger.clock.now()  # not before: we may have waited for the batch
        if ledger.hold_stale(connection, claim, now):
            return None
        if (opening := ledger.closed_until(claim, now)) is not None:
            ledger.give_back(connection, claim, not_before=opening)
            return None
        turn = ledger.turn(connection, claim, now)
        allowed = turn.allowance(MOST_MEMBERS)
        if not allowed.count:
            ledger.give_back(connection, claim, not_before=allowed.more_at)
            return None
        if claim.doubt is not None:
            promise = Promise(gateway.gateway_class, gateway.window)
            may_repeat = claim.doubt.may_repeat(promise, now)
            give_up_lost(connection, claim.batch_id, claim.doubt, now, may_repeat=may_repeat)
        ledger.leave_out(connection, claim, now)
        awake = ledger.is_awake(claim, now)
        alone = message.c.told_by.is_(None)  # who is told together waits for the one that tells
        messages = _messages(
            connection, WAITING & awake & alone, limit=allowed.count, this_batch=claim.batch_id
        )
        if not messages:
            ledger.finish(connection, claim, rest_at=ledger.wakes_at(claim, now))
            return None
        now = ledger.clock.now()
        if waits := linked(messages, gateway.name):
            keep_links(connection, claim.campaign_id, waits, now)
            messages = with_links(connection, messages, gateway.name)
        turn.begin_at(now)  # messages count from when they may leave, not from when we asked
        turn.take(len(messages))
        ledger.note_attempt(connection, claim, [one.reference for one in messages])
        made = _write_intent(connection, ledger, claim, gateway, messages, now=now)
        ledger.reached("intent.precommit")
    ledger.reached("intent.done")
    ledger.witness.note(made.id, now)
    return made


def _write_intent(
    connection: Connection,
    ledger: Ledger,
    claim: Claim,
    gateway: Gateway,
    messages: Sequence[Outgoing],
    *,
    now: datetime,
) -> Submission:
    last = connection.execute(_LAST_ATTEMPT, {"this_batch": claim.batch_id}).scalar_one()
    install_id, base = connection.execute(_INSTALLED, {"this_campaign": claim.campaign_id}).one()
    references = [one.reference for one in messages]
    made = Submission(
        id=submission_id(install_id, base, claim.batch_id, last + 1),
        attempt=last + 1,
        gateway=gateway.name,
        gateway_class=gateway.gateway_class,
        messages=messages,
        open=frozenset(references),
        per_request=gateway.per_request,
        window_until=None if gateway.window is None else now + gateway.window * WINDOW_TRUST,
        replay=False,
        fingerprint=fingerprint(messages),
        made_at=now,
    )
    members = pack(references)
    connection.execute(
        sa.insert(submission),
        {
            "id": made.id,
            "batch_id": claim.batch_id,
            "attempt": made.attempt,
            "gateway": gateway.name,
            "gateway_class": gateway.gateway_class,
            "fence": claim.fence,
            "owner": ledger.worker.name,
            "state": states.INTENT,
            "members": members,
            "open_members": members,
            "per_request": made.per_request,
            "payload_sha256": made.fingerprint,
            "created_at": now,
            "window_until": made.window_until,
            "place_sha256": place_of(ledger.settings, gateway.name),
        },
    )
    return made


def _messages(
    connection: Connection, which: sa.ColumnElement[bool], *, limit: int | None = None,
    **values: int,
) -> list[Outgoing]:  # fmt: skip
    rows = connection.execute(
        sa.select(message.c.id, message.c.address, message.c.body, message.c.subject)
        .where(which)
        .order_by(message.c.id)
        .limit(limit),
        values,
    )
    return list(itertools.starmap(Outgoing, plain_rows(rows)))


def with_nhs_numbers(connection: Connection, messages: Sequence[Outgoing]) -> list[Outgoing]:
    """The same messages with their patients' NHS numbers, for a gateway that knows people by them."""
    rows = connection.execute(
        sa.select(message.c.id, patient.c.nhs_number)
        .join(patient, patient.c.id == message.c.patient_id)
        .where(is_any_of(message.c.id, [one.reference for one in messages]))
    )
    numbers = {row.id: row.nhs_number for row in rows}
    return [replace(one, nhs_number=numbers.get(one.reference)) for one in messages]


def fingerprint(messages: Sequence[Outgoing]) -> str:
    """SHA-256 of everything a gateway gets: a replay must send the same bytes."""
    payload = orjson.dumps([(m.reference, m.to, m.subject, m.body) for m in messages])
    return hashlib.sha256(payload).hexdigest()


@dataclass(frozen=True)
class Settled:
    """What an answer means for a submission's open messages."""

    taken: dict[int, Taken]
    turned: dict[int, Turned]
    not_sent: frozenset[int]  # proven: wait for a new attempt
    open: frozenset[int]  # may have been sent: replay with the same key
    unknown: frozenset[int]  # may have been sent, and nobody will ever tell us by asking again

    def fates(self, given_up: Sequence[int]) -> dict[int, str]:
        """The new state of every message that has one."""
        return {
            **{
                r: states.DELIVERED if x.delivered else states.ACCEPTED
                for r, x in self.taken.items()
            },
            **dict.fromkeys(self.turned, states.REJECTED),
            **dict.fromkeys(self.unknown, states.UNKNOWN),
            **dict.fromkeys(given_up, states.EXHAUSTED),
        }

    @property
    def moved(self) -> bool:
        """Whether anything was closed by it."""
        return bool(self.taken or self.turned or self.unknown)


def settle(sent: Submission, answer: Answer, now: datetime) -> Settled:
    """
    Judge an answer. Pure: the rule that decides between nobody twice and nobody lost.

    Only a first call proves `not_sent`; on a replay those messages stay as ambiguous as before.
    """
    taken: dict[int, Taken] = {}
    turned: dict[int, Turned] = {}
    for reference, result in answer.results.items():
        if reference not in sent.open:
            continue
        if isinstance(result, Taken):
            taken[reference] = result
        else:
            turned[reference] = result
    left = sent.open.difference(taken, turned)
    not_sent: frozenset[int] = frozenset() if sent.replay else left & answer.not_sent
    ambiguous = left - not_sent
    past_asking = ambiguous if sent.is_past_asking(now) else frozenset()
    if sent.gateway_class == "I":
        past_asking |= ambiguous & answer.unlisted  # the same key brings the same answer
    open_still = ambiguous - past_asking
    return Settled(taken, turned, not_sent, open=open_still, unknown=past_asking)


def record_answer(
    ledger: Ledger, claim: Claim, sent: Submission, answer: Answer, *, called: bool = True
) -> Settled:
    """
    Write what came back, in one transaction under the fence. Again, since nobody heard of the commit: nothing.

    Args:
        called: whether the gateway was asked; not where a dead worker's attempt is given up

    Raises:
        FenceLost: another worker holds the batch; nothing is written, it will close the submission
    """
    now = ledger.clock.now()
    result = settle(sent, answer, now)
    ledger.reached("record.begin")
    with ledger.record.write() as connection:
        ledger.hold_fence(connection, claim)
        if not _is_as_sent(connection, sent):
            return result
        _write_messages(connection, result, sent.gateway, now)
        note_parts(connection, sent.gateway, result.taken, now)
        told = note_told(connection, claim.batch_id, now)
        ledger.reached("record.mid")
        _write_submission(connection, sent, result, now, called=called)
        given_up = _write_batch(connection, ledger, claim, sent, result, answer)
        _brake(connection, ledger, claim, sent, result, answer, called=called)
        if result.not_sent and sent.made_at:
            ledger.turn(connection, claim, now).put_back(
                len(result.not_sent), taken_at=sent.made_at
            )
        tell_sent(connection, claim.campaign_id, claim.number, result.fates(given_up), now)
        tell_moved(connection, "left-out", told, now)
        ledger.reached("record.precommit")
    ledger.reached("record.done")
    return result


def _is_as_sent(connection: Connection, sent: Submission) -> bool:
    """Whether the submission is open for the messages that we asked about: its answer is not written yet."""
    own = {"this": sent.id, "its_open": pack(sorted(sent.open)), "its_tries": sent.tries}
    return bool(connection.scalar(_AS_SENT, own))


def _write_messages(connection: Connection, result: Settled, gateway: str, now: datetime) -> None:
    waiting = f"state = '{states.PENDING}'"
    update_rows(
        connection,
        message,
        ["id", "state", "gateway_ref", "gateway", "sent_at", "status_at"],
        [
            (
                r,
                states.DELIVERED if x.delivered else states.ACCEPTED,
                x.gateway_ref[:80],
                gateway,
                now,
                now,
            )
            for r, x in result.taken.items()
        ],
        only_if=waiting,
    )
    update_rows(
        connection,
        message,
        ["id", "state", "reason", "error_text", "gateway", "status_at"],
        [
            (r, states.REJECTED, x.code[:60], x.says[:200], gateway, now)
            for r, x in result.turned.items()
        ],
        only_if=waiting,
    )
    update_rows(
        connection,
        message,
        ["id", "state", "reason", "gateway", "sent_at", "status_at"],
        [(r, states.UNKNOWN, "no_answer", gateway, now, now) for r in sorted(result.unknown)],
        only_if=waiting,
    )


def _write_submission(
    connection: Connection, sent: Submission, result: Settled, now: datetime, *, called: bool
) -> None:
    if sent.open and not (result.open or result.unknown or result.not_sent):
        connection.execute(_ACKED, {"this": sent.id, "now": now})
        return
    if result.open:
        values: dict[str, object] = {
            "open_members": pack(sorted(result.open)),
            "tries": submission.c.tries + 1,
        }
    else:
        state = states.ACKED
        if result.unknown:
            state = states.AMBIGUOUS
        elif len(result.not_sent) == len(sent.open):
            state = states.NOT_SENT
        values = {
            "state": state,
            "open_members": b"",
            "closed_at": now,
            # An ambiguous one without any was a dead worker's (circuit_breaker.py)
            "tries": submission.c.tries + int(called and state == states.AMBIGUOUS),
        }
    connection.execute(
        sa.update(submission)
        .where(submission.c.id == sent.id, submission.c.state == states.INTENT)
        .values(**values)
    )


def _write_batch(
    connection: Connection,
    ledger: Ledger,
    claim: Claim,
    sent: Submission,
    result: Settled,
    answer: Answer,
) -> list[int]:
    """The batch's counters and what becomes of it; the messages that were given up."""
    row = connection.execute(
        _COUNT_UP,
        {
            "this_batch": claim.batch_id,
            "more_accepted": len(result.taken),
            "more_rejected": len(result.turned),
            "more_unknown": len(result.unknown),
            # "Try later" is no failed try
            "more_attempts": int(bool(result.not_sent) and answer.retry_after is None),
            "its_trouble": _trouble(answer) if result.open or result.not_sent else None,
        },
    ).one()
    if not (result.open or result.not_sent):
        ledger.finish(connection, claim)
    elif _is_hopeless(connection, ledger, claim, row.attempts) and not result.open:
        return _exhaust(connection, ledger, claim)
    else:
        wait = _wait(ledger, answer, tries=sent.tries if result.open else row.attempts)
        ledger.give_back(connection, claim, not_before=ledger.clock.now() + wait)
    return []


def _trouble(answer: Answer) -> str:
    """Why a batch is not done with its call, in a sentence."""
    took = "did not take all of it" if answer.results else "took nothing"
    return answer.trouble or f"the gateway {took}, and did not say why"


def _is_hopeless(connection: Connection, ledger: Ledger, claim: Claim, attempts: int) -> bool:
    """
    Many tries *and* a long time: an outage of an hour must not cost anybody their message.

    Counted from the batch's own first try, or from when a person let the campaign go on: a batch of the
    last day of ten has waited for its day, not for the gateway.
    """
    if attempts < ledger.max_attempts:
        return False
    first, resumed = connection.execute(
        sa.select(submission.c.created_at, campaign.c.resumed_at)
        .join(batch, batch.c.id == submission.c.batch_id)
        .join(campaign, campaign.c.id == batch.c.campaign_id)
        .where(submission.c.batch_id == claim.batch_id, submission.c.attempt == 1)
    ).one()
    return bool(ledger.clock.now() >= max(first, resumed or first) + ledger.give_up_after)


def _wait(ledger: Ledger, answer: Answer, *, tries: int) -> timedelta:
    if answer.retry_after is not None:
        return timedelta(seconds=answer.retry_after)
    wait: timedelta = ledger.back_off * 2 ** min(tries, 10)
    return min(wait, timedelta(minutes=5))


def _exhaust(connection: Connection, ledger: Ledger, claim: Claim) -> list[int]:
    """Every try was proven not to have been taken: give up what still waits, visibly."""
    ids = connection.scalars(
        sa.update(message)
        .where(message.c.batch_id == claim.batch_id, message.c.state == states.PENDING)
        .values(state=states.EXHAUSTED, reason="tries_used_up", status_at=ledger.clock.now())
        .returning(message.c.id)
    ).all()
    connection.execute(
        sa.update(batch)
        .where(batch.c.id == claim.batch_id)
        .values(suppressed=batch.c.suppressed + len(ids))
    )
    ledger.finish(connection, claim)
    return list(ids)


def _brake(
    connection: Connection,
    ledger: Ledger,
    claim: Claim,
    sent: Submission,
    result: Settled,
    answer: Answer,
    *,
    called: bool,
) -> None:
    """
    Pause the campaign if a person must look before anything more is sent (NEW-12).

    Of several gateways one that is out is no reason to, as long as another may send.
    """
    several, code = bool(claim.gateways), answer.halt
    failed = bool(result.turned or result.unknown or result.open)
    # Of a dead worker's attempt nothing new is known of one of several
    if code is None and ledger.timing.halt and failed and (called or not several):
        own = sent.gateway if several else None
        code = reason_to_halt(connection, claim.campaign_id, ledger.timing.halt, gateway=own)
    bound = bool(result.open)
    if several and called and stand_in(connection, ledger, claim, sent, answer, code, bound=bound):
        return
    if code:
        halt(connection, claim.campaign_id, code, ledger.clock.now())
