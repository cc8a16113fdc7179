"""Whether a run that somebody let go on has begun: what they are told, and how the command ends."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cli import console
from cli.wiring import LocalTime

if TYPE_CHECKING:
    from clinic.errors import Incomplete
    from clinic.settings import Settings
    from tasks.runs.not_begun import Stalled

# A worker that was just started needs so long to ask for work, and a process to begin
PATIENCE: Final = 45.0
_JUST_ASKED: Final = 60  # seconds in which nobody need be told


def require_begun(settings: Settings, tag: str, flow_run_id: str | None, *, then: str) -> None:
    """
    Wait a moment for the run to begin.

    Args:
        then: the command to type once it is taken for lost

    Raises:
        Incomplete: it has not, or nothing is heard of it: for how long, and what to do
    """
    from tasks.prefect.asking import quickly
    from tasks.runs.not_begun import wait_to_begin

    with console.err().status("Waiting for its run to begin …"), quickly():
        found = wait_to_begin(tag, flow_run_id, seconds=PATIENCE)
    if found is not None:
        raise not_begun(settings, found, "nothing was done:", then)


def require_not_stalled(
    settings: Settings, tag: str, flow_run_id: str | None, *, then: str
) -> None:
    """
    After a decision, which a run that is only about to begin reads by itself.

    Raises:
        Incomplete: it is about to begin for too long, or nothing is heard of it
    """
    from tasks.runs.not_begun import stalled

    found = stalled(tag, flow_run_id)
    if found is not None and found.seconds >= _JUST_ASKED:
        raise not_begun(settings, found, "the decision stands, but", then)


def not_begun(settings: Settings, found: Stalled, begins: str, then: str) -> Incomplete:
    """For how long, when it is taken for lost, and what to type then."""
    from clinic.errors import Incomplete

    if found.lost_at is None:
        do = (
            "It begins by itself when a worker is free and no queue is paused; look: cohort server status. "
            f"Then: {then}"
        )
    else:
        at = LocalTime(settings).show(found.lost_at + timedelta(minutes=1))
        do = (
            f"If that is still so at {at} it is taken for lost, and another is started: by itself while the "
            f"server runs (cohort server start), or at once then: {then}"
        )
    return Incomplete(found.code, f"{begins} its run {found.says}. {do}")
