"""
Requests for approval that wait too long, and those that nobody can decide (ALC-45): the team is told.

The reminder goes to the practice's own team (settings: notices.internal) by the messages' ledger, once a
day for the same requests. It has numbers and the command that decides; no patient, and no secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from clinic.clock import Clock
from clinic.govern.approvals.approvals import Approval, deciders, expire, stale, undecidable
from clinic.govern.approvals.confirming import is_confirmed
from clinic.govern.people.roles import decider, with_article
from clinic.message.purposes import ALERT
from clinic.notify.notices import make_campaign, name_all
from clinic.notify.recipients import team
from clinic.notify.texts import keep_text
from clinic.record.database import Record
from clinic.settings import Settings

SENDER = "system"


@dataclass(frozen=True)
class Late:
    """
    A request that waits too long.

    deciders: how many people may decide it; 0: nobody can
    confirmed: whether the requester has proven that (NEW-1); until then nobody can approve it
    """

    approval: int
    subject: str
    subject_id: int
    role: str
    hours: int
    deciders: int
    confirmed: bool

    @property
    def says(self) -> str:
        """A line for people."""
        line = (
            f"{self.subject} {self.subject_id} has waited for {self.hours} hours for "
            f"{with_article(self.role)}"
        )
        if self.deciders:
            return f"{line}: {self._first}cohort approve {self.approval}, or cohort reject {self.approval}"
        return f"{line}, but nobody may decide it: an admin must add one (cohort operators add)"

    @property
    def _first(self) -> str:
        return (
            "" if self.confirmed else f"the requester types cohort confirm {self.approval}; then "
        )


def find_late(record: Record, clock: Clock, settings: Settings) -> list[Late]:
    """Close what nobody decided in time; then what must be chased, the oldest first."""
    expire(record, clock)
    now, after = clock.now(), timedelta(hours=settings.notices.chase_hours)
    found = {asked.id: asked for asked in stale(record, now, after=after)}
    found |= {asked.id: asked for asked in undecidable(record, now)}

    with record.read() as connection:
        confirmed = {key for key, asked in found.items() if is_confirmed(connection, asked)}

    def late(asked: Approval) -> Late:
        return Late(
            approval=asked.id,
            subject=asked.subject,
            subject_id=asked.subject_id,
            role=decider(asked.kind),
            hours=int((now - asked.requested_at) / timedelta(hours=1)),
            deciders=len(deciders(record, asked)),
            confirmed=asked.id in confirmed,
        )

    return [late(found[key]) for key in sorted(found)]


def open_alert(
    record: Record,
    clock: Clock,
    settings: Settings,
    late: Sequence[Late],
    *,
    gateway: str,
    batch_limit: int,
) -> int | None:
    """
    The campaign that reminds the team, ready to be staged; None: nothing is late, or no address is set.

    On the same day the same requests make the same campaign: nobody is reminded twice.
    """
    told = team(settings)
    if not late or not told:
        return None
    day = f"{clock.now():%Y-%m-%d}"
    ids = ",".join(str(each.approval) for each in late)
    digest = hashlib.sha256(f"{day}/{ids}".encode()).hexdigest()[:16]
    body = "These requests wait for a decision.\n\n" + "\n".join(each.says for each in late)
    template = keep_text(
        record, clock, body, subject=f"{len(late)} requests wait for approval", purpose=ALERT,
        by=SENDER,
    )  # fmt: skip
    campaign_id = make_campaign(
        record, clock, settings, told, ("", "Approvals", "waiting"), template=template,
        name=f"Approvals that wait, {day}", requested_by=SENDER,
        request_key=f"chase-{day}-{digest}", gateway=gateway, batch_limit=batch_limit,
    )  # fmt: skip
    name_all(record, clock, campaign_id)
    return campaign_id
