"""
A person lets a campaign go on that stood still, or has what failed of one sent again.

To pause and to cancel one takes no more than clinic/message/prepare/control.py has.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from clinic.clock import Clock
from clinic.errors import CohortRefused
from clinic.gateway.choose import batch_limit_of, gateway_for
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.doubt import Left, promises_of
from clinic.message.prepare import control
from clinic.message.prepare.control import Controlled
from clinic.message.prepare.resend import begin_resend
from clinic.message.safety.accepted import keep_acceptances
from clinic.message.sending.restore_guard import home_of, noted_of
from clinic.message.states import OUTBOX
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.systems.staleness import CODE
from clinic.settings import Settings


def resume(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    by: str,
    reason: str,
    left: Left | None = None,
    stale: str = "",
    workers: int | None = None,
) -> Controlled:
    """
    Let a campaign go on that is paused, halted, held or missed, as these settings have it. Again: nothing.

    Args:
        by: the name of a proven person
        left: after a set-back of the record, what of it was sent that the record does not know (doubt.py)
        stale: why its reminders are sent on sources that are too old; "": that is not said
        workers: how many runs send it together from now on; None: as before

    Raises:
        NotFound: there is no such campaign
        NotAllowed: it cannot be resumed, or nobody said what was sent
    """
    return control.resume(
        record,
        clock,
        campaign_id,
        by=by,
        reason=reason,
        timing=timing_of(settings),
        left=left,
        promises=promises_of(settings),
        noted=noted_of(record, home_of(settings)) if left == "noted" else None,
        stale=stale,
        settings=settings,
        workers=workers,
    )


def stale_reason(accepted: Mapping[str, str]) -> str:
    """
    Why reminders may be sent on old sources: all that can be accepted of a campaign that is under way.

    accepted: code → reason

    Raises:
        CohortRefused: it accepts something else, or gives no reason
    """
    if accepted.keys() - {CODE}:
        raise CohortRefused(
            "acceptance-unknown",
            f"what resume accepts is {CODE}=REASON alone: that reminders leave although what came from the "
            "sources is too old. Nothing was changed",
        )
    if CODE in accepted and len(accepted[CODE].strip()) < 3:
        raise CohortRefused("override-unnamed", f"give a reason: --accept {CODE}=REASON")
    return accepted.get(CODE, "").strip()


def resend(
    record: Record,
    clock: Clock,
    settings: Settings,
    campaign_id: int,
    *,
    by: str,
    rows: Collection[int] | None,
    accept: Mapping[str, str],
    request_key: str,
) -> int:
    """
    Make the campaign that sends a campaign's failures again (PAT-22, PAT-23); its number. Once for a key.

    It is prepared, looked at and confirmed as any other.

    Args:
        by: the name of a proven person
        rows: only these of its list; None: all that failed
        accept: what is accepted of safety checks before they are asked: code → reason

    Raises:
        NotFound: there is no such campaign
        NotAllowed: nothing of it can be sent again, or not yet; says why
    """
    settings = settings.model_copy(update={"operator": by})
    with record.read() as connection:
        old = get_campaign(connection, campaign_id)
    gateway = gateway_for(settings, record, old.channel, outbox=old.gateway == OUTBOX)
    gateway.close()
    made = begin_resend(
        record, clock, settings, campaign_id, rows=rows, request_key=request_key,
        gateway=gateway.name, batch_limit=batch_limit_of(settings, record, old.channel, gateway),
    )  # fmt: skip
    keep_acceptances(record, clock, made, accept, by=by)
    return made
