"""Whether a campaign that is there can be carried on with as it is."""

from __future__ import annotations

from clinic.errors import NotAllowed
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.campaign.sending_stop import is_kept_back, require_sending
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.prepare.approve import REFUSED_BY_PERSON, why_refused
from clinic.record.database import Record


def is_released(record: Record, campaign_id: int) -> bool:
    """Whether it was confirmed before: one that is carried on with is not asked about again."""
    with record.read() as connection:
        return bool(get_campaign(connection, campaign_id).state != states.CHECKING)


def require_going(record: Record, campaign_id: int) -> None:
    """
    Whether a campaign can be carried on with as it is.

    Raises:
        NotAllowed: it stands still until a person lets it go on, or all sending does; says why, and how
    """
    with record.read() as connection:
        own = get_campaign(connection, campaign_id)
        why = why_refused(connection, campaign_id)
        waits = count_outcomes(connection, campaign_id).get("waiting")
        runs = own.state in (states.SCHEDULED, states.RUNNING) and waits
        if (runs or own.state == states.CHECKING) and not own.dry_run:
            require_sending(connection)
    if own.state == states.REFUSED and own.state_reason in REFUSED_BY_PERSON:
        raise NotAllowed(own.state_reason, f"{why}. Look: cohort show {campaign_id}")
    if own.state in (states.PAUSED, states.HELD_CAMPAIGN, states.MISSED):
        first = is_kept_back(record, campaign_id)
        way = (
            "all sending is stopped, which comes first: cohort sending status"
            if first
            else f"then let it go on: cohort resume {campaign_id}"
        )
        raise NotAllowed(
            "campaign-stopped",
            f"campaign {campaign_id} is {own.state}, nothing was sent. "
            f"{campaign_says(own.state_reason, own.sent_through)} Look: cohort show {campaign_id}; {way}",
        )
