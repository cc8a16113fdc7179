"""
A campaign is made of a request and made ready: checked and written, so that a person can decide over it.

Nothing can leave before somebody confirmed it (clinic/message/asking/confirming.py). Each step may be done
again: the request's key finds the campaign, and only what is missing is done.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clinic.errors import MendableError
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.campaign import refuse
from clinic.message.credit import most_segments_of
from clinic.message.prepare.stage import stage
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.template.variables import setting_of
from clinic.message.timing.schedule import size_batches

if TYPE_CHECKING:
    from clinic.message.campaign.request import MessageRequest
    from tasks.wiring import Wiring

Telling = Callable[[str], None]


def begin(
    parts: Wiring,
    request: MessageRequest | ReminderRequest,
    *,
    request_key: str = "",
    by: str = "",
) -> int:
    """
    Take the list in and make the campaign; its number. The same key gives the same.

    Args:
        request_key: of a preview, which no request may name; else the request's own
        by: in whose name, proven; else the settings' operator

    Raises:
        MendableError: what to fix; nothing was sent
    """
    gateway = parts.gateway(request.channel, dry_run=request.dry_run, outbox=request.outbox)
    limit = parts.batch_limit(request.channel, gateway)
    key = request_key or request.request_key or ""
    settings = parts.settings.model_copy(update={"operator": by}) if by else parts.settings
    if isinstance(request, ReminderRequest):
        return begin_reminders(
            parts.record, parts.clock, settings, request, request_key=key, gateway=gateway.name,
            batch_limit=limit,
        )  # fmt: skip
    return begin_campaign(
        parts.record, parts.clock, settings, request, request_key=key, gateway=gateway.name,
        batch_limit=limit,
    )  # fmt: skip


def prepare(parts: Wiring, campaign_id: int, *, telling: Telling) -> None:
    """
    Judge every row and stage the messages; what cannot be is closed, so that the list may be tried again.

    telling: what is done now, a sentence at a time, for whoever waits

    Raises:
        CohortRefused: the list as a whole is not fit to act on; its rows say why
        MendableError: what to fix
    """
    try:
        prepare_look(parts, campaign_id, telling=telling)
    except MendableError as error:
        # Nothing of it may stay behind and bar the way to a second try
        refuse(parts.record, campaign_id, error.code)
        raise


def prepare_look(parts: Wiring, campaign_id: int, *, telling: Telling) -> None:
    """The same of what is only looked at: nothing is closed."""
    from data_checks.cohort import check_cohort  # seconds: not where nothing is checked
    from data_checks.fallback import plan_fallback

    telling("Checking the list …")
    check_cohort(parts.record, parts.clock, parts.settings, campaign_id)
    plan_fallback(parts.record, parts.clock, parts.settings, campaign_id)
    telling("Writing the messages …")
    size_batches(parts.record, campaign_id, parts.timing)
    setting = setting_of(parts.settings, parts.clock.now())
    most = most_segments_of(parts.record, parts.settings, campaign_id)
    stage(parts.record, campaign_id, setting=setting, most_segments=most)
