"""What the pages show of campaigns, kept for a moment: to count 100,000 rows takes longer than to show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import Connection

from clinic.message.campaign.counting import count_outcomes
from clinic.message.outcomes.report import (
    CampaignDetails,
    CampaignLine,
    list_campaigns,
    show_campaign,
)
from clinic.message.prepare.control import Control, controls
from clinic.message.reminders.stale import is_held
from desk.web.desk import Desk

LIVE: Final = timedelta(seconds=2)
_ENDED: Final = timedelta(seconds=30)
# While rows have one of these, more happens within seconds
_MOVES: Final = frozenset({"waiting", "in_flight"})


def details_of(desk: Desk, number: int) -> CampaignDetails:
    """
    One campaign, as it was two seconds ago at the most.

    Raises:
        NotFound: there is no such campaign
    """
    settings = desk.settings()
    today = desk.today()

    def make() -> CampaignDetails:
        return show_campaign(
            desk.parts.record, number, accepted_errors=settings.release.accepted_errors, today=today,
            now=desk.parts.clock.now(), settings=settings,
        )  # fmt: skip

    return desk.kept.get(("campaign", number), LIVE, make)


def controls_of(found: CampaignDetails) -> tuple[Control, ...]:
    """What a person may do with it; reminders that wait for their sources may be let go, too."""
    able = controls(found.state)
    return (*able, "resume") if is_held(found.trouble or "") and "resume" not in able else able


def changed(desk: Desk, number: int) -> None:
    """Somebody just did something with it."""
    desk.kept.forget(("campaign", number))
    desk.kept.forget(("counts", number))


def lines_of(desk: Desk, *, limit: int, before: int | None) -> list[CampaignLine]:
    """A page of them, the newest first; what has ended is counted twice a minute at the most."""

    def count(connection: Connection, number: int) -> dict[str, int]:
        return desk.kept.get(("counts", number), _lasts, lambda: count_outcomes(connection, number))

    accepted = desk.settings().release.accepted_errors
    return list_campaigns(
        desk.parts.record, limit=limit, accepted_errors=accepted, before=before, count=count
    )


def _lasts(counts: dict[str, int]) -> timedelta:
    return LIVE if _MOVES & counts.keys() else _ENDED
