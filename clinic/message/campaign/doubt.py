"""
What a record that was set back cannot know: whether messages of its campaigns left since.

    held ──► doubt: some may have been sent from `since` to `until` ──► a person says what was ──► resumed

    nothing    the provider's list has none of them: they are sent
    asked      its list is in the inbox (sent_since.py): what stands there is not sent again, the rest is
    repeat     the same references or keys again, while the gateway remembers them
    unknown    nobody knows: each becomes `unknown`, listed, resolved by a delivery receipt or by two people
    noted      notes of this machine name the batches begun (noted.py): `unknown`; the rest is sent

Asked in each intent (`give_up_lost`), so that it holds for a campaign that waits for its day, its hours or its
approval too. A message of which a receipt is in the inbox was sent, whatever was said. A class R gateway
carries out a reference once, so it may be asked by sending again. A class I gateway may be too only where a
person says so: refused for a while, slowed by a pace, or with somebody left out, what was lost was sent under
other keys than what is sent now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.errors import NotAllowed
from clinic.gateway.protocol import GatewayClass
from clinic.message import states
from clinic.message.campaign.campaign import Campaign
from clinic.message.campaign.trail import tell_moved
from clinic.message.codes import unpack
from clinic.message.told import note_told
from clinic.record.bulk import is_any_of
from clinic.record.schema.govern import audit_act
from clinic.record.schema.messages import batch, campaign, installation, message, submission
from clinic.record.schema.receipts import receipt_inbox
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS

Left = Literal["nothing", "noted", "repeat", "unknown"]
ASKED: Final = "asked"
NOTED: Final = "noted"
WHY: Final = "set_back"  # of a message that nobody can know of
# A gateway is trusted to remember a key or a reference for this part of the time it promises
WINDOW_TRUST: Final = 0.8


@dataclass(frozen=True)
class Promise:
    """What a gateway promises; `window`: how long it remembers, None: for ever."""

    gateway_class: GatewayClass
    window: timedelta | None


BLIND: Final = Promise("B", None)


def promises_of(settings: Settings) -> dict[str, Promise]:
    """By the gateway's name, as the settings have it; what is not named is blind."""
    window = timedelta(hours=settings.sms.window_hours)
    found = {HTTP_SMS: Promise(settings.sms.gateway_class, window)}
    for name, one in settings.gateways.items():
        gateway_class, hours = one.promise
        found[name] = Promise(gateway_class, None if hours is None else timedelta(hours=hours))
    return found


@dataclass(frozen=True, slots=True)
class Doubt:
    """
    Messages may have been sent between `since` and `until`; `said`: what a person said of it.

    several: by any of several gateways, so that what one of them knows proves nothing
    """

    since: datetime
    until: datetime
    said: str | None
    several: bool = False

    def of_batch(self, *, lost: bool) -> Doubt:
        """Of a batch: if the notes say that it was not begun, only what the inbox proves was sent."""
        return replace(self, said=ASKED) if self.said == NOTED and not lost else self

    def may_repeat(self, promise: Promise, now: datetime) -> bool:
        """Whether what is sent again reaches nobody twice."""
        window = promise.window
        if self.several:
            return False
        if window is not None and now >= self.since + window * WINDOW_TRUST:
            return False
        return promise.gateway_class == "R" or (
            promise.gateway_class == "I" and self.said == "repeat"
        )

    def covers(self, made_at: datetime, gateway_class: str) -> bool:
        """Whether what became of an attempt of then is lost, and asking again could reach somebody twice."""
        may_ask = gateway_class == "R" or (gateway_class == "I" and self.said == "repeat")
        may_ask = may_ask and not self.several  # refused there, it may have left by another one
        return made_at < self.until and not may_ask


def doubt_of(job: Campaign) -> Doubt | None:
    """A campaign's; None: the record knows all of it."""
    if job.doubt_since is None or job.doubt_until is None:  # both, or neither
        return None
    return Doubt(job.doubt_since, job.doubt_until, job.doubt_said, several=bool(job.gateways))


def last_known(connection: Connection) -> datetime | None:
    """The newest that the record knows of: what came after it, it has lost."""
    known = [
        sa.select(sa.func.max(audit_act.c.timestamp)),
        sa.select(sa.func.max(submission.c.created_at)),
        sa.select(sa.func.max(submission.c.closed_at)),
        sa.select(sa.func.max(campaign.c.created_at)),
        sa.select(sa.func.max(installation.c.created_at)),
    ]
    return max((at for query in known if (at := connection.scalar(query))), default=None)


def begin(since: datetime, until: datetime) -> dict[str, Any]:
    """
    What a campaign that is held gets, in an update of many: doubt, unless nothing of it can have been sent.

    A doubt that is older and was never cleared stays.
    """
    cannot = sa.or_(
        campaign.c.dry_run, campaign.c.gateway == states.OUTBOX, campaign.c.start_at >= until
    )
    stays = sa.and_(
        campaign.c.doubt_since.is_not(None),
        sa.func.coalesce(campaign.c.doubt_said, "") != ASKED,
    )
    return {
        "doubt_since": sa.case(
            (stays, campaign.c.doubt_since),
            (cannot, None),
            else_=sa.literal(since, campaign.c.doubt_since.type),
        ),
        "doubt_until": sa.case(
            (cannot & ~stays, None), else_=sa.literal(until, campaign.c.doubt_until.type)
        ),
        "doubt_said": None,
    }


def say(
    job: Campaign, left: Left | None, promises: Mapping[str, Promise], now: datetime
) -> dict[str, Any]:
    """
    What a person says of a campaign in doubt, as values of its row; nothing where there is no doubt.

    Raises:
        NotAllowed: they said nothing, and sending again could reach somebody twice; or it is no gateway
            that may be sent to again
    """
    doubt = doubt_of(job)
    if doubt is None:
        return {}
    promise = promises.get(job.gateway, BLIND)
    if left == "nothing":
        return {"doubt_since": None, "doubt_until": None, "doubt_said": None}
    if left == "repeat":
        said = replace(doubt, said=left)
        if not said.may_repeat(promise, now):
            raise NotAllowed(
                "left-repeat",
                f"campaign {job.id} cannot be sent again without reaching somebody twice: {_who(job, promise)} "
                f"since {doubt.since:%d %b %Y %H:%M} UTC. Say --left nothing or --left unknown"
                f"{', or ask it: cohort sending ask' if may_ask(job) else ''}",
            )
    if left is None and doubt.said is None and not doubt.may_repeat(promise, now):
        raise NotAllowed(
            "left-unsaid",
            f"messages of campaign {job.id} may have been sent between {doubt.since:%d %b %Y %H:%M} and "
            f"{doubt.until:%d %b %Y %H:%M} UTC, and this record does not know of it. "
            f"{'If the provider lists what it took: cohort sending ask. Else say' if may_ask(job) else 'Say'} "
            f"what was sent: cohort resume {job.id} --left nothing (the provider has none of it; it is sent), "
            "--left unknown (nobody knows; none of it is sent, each is listed), or, after a failover, --left "
            "noted (batches that this machine noted are unknown, the rest is sent)",
        )
    return {} if left is None else {"doubt_said": left}


def may_ask(job: Campaign) -> bool:
    """Whether its gateway is one whose own list the program reads (sent_since.py)."""
    return job.gateway == HTTP_SMS and not job.gateways


def _who(job: Campaign, promise: Promise) -> str:
    if job.gateways:
        return f"one of its gateways ({job.gateways.replace(' ', ', ')}) does not know what another was given"
    return f"the gateway (class {promise.gateway_class}) does not know what it was given"


def give_up_lost(
    connection: Connection, batch_id: int, doubt: Doubt, now: datetime, *, may_repeat: bool = False
) -> None:
    """
    What of a batch may have been sent is not sent again: it becomes `unknown` before that, or is cancelled.

    Its receipts say more, as soon as they are applied (`settle.py`). Members of an open attempt are left to
    it. A batch whose day came after the doubt cannot have been sent.
    """
    opened = connection.scalar(sa.select(batch.c.not_before).where(batch.c.id == batch_id))
    if opened is not None and opened >= doubt.until:
        return
    waits = (message.c.batch_id == batch_id) & (message.c.state == states.PENDING)
    if doubt.said == ASKED or may_repeat:
        waits &= message.c.id.in_(sa.select(receipt_inbox.c.reference))
    else:
        waits &= message.c.told_by.is_(None)  # what became of these is what became of their teller
    open_members = connection.scalar(
        sa.select(submission.c.open_members).where(
            submission.c.batch_id == batch_id, submission.c.state == states.INTENT
        )
    )
    if open_members:
        waits &= ~is_any_of(message.c.id, unpack(open_members))
    lost = connection.scalars(
        sa.update(message)
        .where(waits)
        .values(state=states.UNKNOWN, reason=WHY, sent_at=now, status_at=now)
        .returning(message.c.id)
    ).all()
    if lost:
        _count(connection, batch_id, lost)
        told = note_told(connection, batch_id, now)
        tell_moved(connection, "unknown", sorted(lost), now)
        tell_moved(connection, "left-out", told, now)


def _count(connection: Connection, batch_id: int, lost: Sequence[int]) -> None:
    """In their batch; and receipts that had found nobody, look at them again."""
    connection.execute(
        sa.update(batch).where(batch.c.id == batch_id).values(unknown=batch.c.unknown + len(lost))
    )
    connection.execute(
        sa.update(receipt_inbox)
        .where(receipt_inbox.c.state == "unmatched", is_any_of(receipt_inbox.c.reference, lost))
        .values(state="waiting")
    )
