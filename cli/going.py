"""Whether a run that somebody let go on has begun: waited for at the terminal, for a moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli import console

if TYPE_CHECKING:
    from clinic.settings import Settings

# A worker that was just started needs so long to ask for work, and a process to begin
PATIENCE: Final = 45.0


def require_begun(settings: Settings, tag: str, flow_run_id: str | None, *, then: str) -> None:
    """
    Wait a moment for the run to begin.

    Args:
        then: the command to type once it is taken for lost

    Raises:
        Incomplete: it has not, or nothing is heard of it: for how long, and what to do
    """
    from tasks.asking.begun import not_begun
    from tasks.guard.asking import quickly
    from tasks.runs.not_begun import wait_to_begin

    with console.err().status("Waiting for its run to begin …"), quickly():
        found = wait_to_begin(tag, flow_run_id, seconds=PATIENCE)
    if found is not None:
        raise not_begun(settings, found, "nothing was done:", then)
