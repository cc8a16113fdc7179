"""Whether the run of what somebody decided has begun: what they are told, or why nothing goes on now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from clinic.errors import Incomplete

if TYPE_CHECKING:
    from clinic.settings import Settings
    from tasks.runs.not_begun import Stalled

_JUST_ASKED: Final = 60  # seconds in which a run may still begin, if a worker is there
_STANDS: Final = "the decision stands, but"


def told_of_run(settings: Settings, tag: str, flow_run_id: str | None, *, then: str) -> str:
    """
    After a decision, which a run reads by itself when it begins: what is known of that run.

    then: what to type once the run is taken for lost

    Returns:
        empty: it is at it, and was heard of just now

    Raises:
        Incomplete: no worker is there to begin it, it is about to begin for too long, or it fell silent
    """
    from tasks.prefect.polls import polling
    from tasks.processes import identity
    from tasks.runs.not_begun import stalled

    found = stalled(tag, flow_run_id)
    if found is not None and found.seconds >= _JUST_ASKED:
        raise not_begun(settings, found, _STANDS, then)
    at = polling(settings, identity.read(settings))
    if not at.polls and not at.worker:
        raise _no_worker(found, at.says, then)
    if found is None:
        return ""
    return f"Its run {found.says}, and reads this when it begins.{_if_it_does_not(settings, found)}"


def _no_worker(found: Stalled | None, says: str, then: str) -> Incomplete:
    """Nobody is there who would begin it, or another once it is lost."""
    code, known = "run-silent", "was heard of less than a minute ago"
    if found is not None:
        code, known = found.code, found.says
    return Incomplete(
        code,
        f"{_STANDS} its run {known}, and {says}. Start one: cohort server start. If the run does not go on "
        f"then, it is taken for lost, and another is started by itself within minutes, or at once: {then}",
    )


def _if_it_does_not(settings: Settings, found: Stalled) -> str:
    if found.lost_at is None:
        return ""
    return (
        f" If it has not begun at {_when_lost(settings, found.lost_at)} it is taken for lost, and another is "
        "started by itself."
    )


def _when_lost(settings: Settings, lost_at: datetime) -> str:
    zone = ZoneInfo(settings.organisation.time_zone)
    return f"{(lost_at + timedelta(minutes=1)).astimezone(zone):%-d %b %Y %H:%M}"


def not_begun(settings: Settings, found: Stalled, begins: str, then: str) -> Incomplete:
    """For how long, when it is taken for lost, and what to type then; `begins`: the sentence before that."""
    if found.lost_at is None:
        do = (
            "It begins by itself when a worker is free and no queue is paused; look: cohort server status. "
            f"Then: {then}"
        )
    else:
        do = (
            f"If that is still so at {_when_lost(settings, found.lost_at)} it is taken for lost, and another "
            f"is started: by itself while the server runs (cohort server start), or at once then: {then}"
        )
    return Incomplete(found.code, f"{begins} its run {found.says}. {do}")
