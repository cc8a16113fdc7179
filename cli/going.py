"""Whether a run that somebody let go on has begun: what they are told, and how the command ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from cli import console
from cli.wiring import LocalTime

if TYPE_CHECKING:
    from clinic.errors import Incomplete
    from clinic.settings import Settings
    from tasks.runs.not_begun import Stalled

# A worker that was just started needs so long to ask for work, and a process to begin
PATIENCE: Final = 45.0
_JUST_ASKED: Final = 60  # seconds in which a run may still begin, if a worker is there
_STANDS: Final = "the decision stands, but"


def require_begun(settings: Settings, tag: str, flow_run_id: str | None, *, then: str) -> None:
    """
    Wait a moment for the run to begin.

    Args:
        then: the command to type once it is taken for lost

    Raises:
        Incomplete: it has not, or nothing is heard of it: for how long, and what to do
    """
    from tasks.guard.asking import quickly
    from tasks.runs.not_begun import wait_to_begin

    with console.err().status("Waiting for its run to begin …"), quickly():
        found = wait_to_begin(tag, flow_run_id, seconds=PATIENCE)
    if found is not None:
        raise not_begun(settings, found, "nothing was done:", then)


def told_of_run(settings: Settings, tag: str, flow_run_id: str | None, *, then: str) -> str:
    """
    After a decision, which a run reads by itself when it begins: what is known of that run.

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
        raise no_worker(found, at.says, then)
    if found is None:
        return ""
    return f"Its run {found.says}, and reads this when it begins.{_if_it_does_not(settings, found)}"


def no_worker(found: Stalled | None, says: str, then: str) -> Incomplete:
    """Nobody is there who would begin it, or another once it is lost."""
    from clinic.errors import Incomplete

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
    return LocalTime(settings).show(lost_at + timedelta(minutes=1))


def not_begun(settings: Settings, found: Stalled, begins: str, then: str) -> Incomplete:
    """For how long, when it is taken for lost, and what to type then."""
    from clinic.errors import Incomplete

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
