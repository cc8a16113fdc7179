"""
Everything that `settle` does by itself, as one task: it runs every five minutes, and mostly nothing is due.

A task of Prefect's for each step cost 18 task runs and 60 events each time. Here a step that fails stops no
other, is tried again after all the others if it may go right by itself, and fails the run by its name.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed

from clinic.errors import CohortError
from clinic.values.text import counted
from tasks import settle, settle_operations
from tasks.guard.decorators import mends_itself, safe, task
from tasks.runs.beside import ask_missing
from tasks.runs.old_runs import IDLE, forget_runs
from tasks.runs.silent_runs import end_silent_runs

Found = int | list[int]
Words = tuple[str, str] | None
_AGAIN_AFTER: Final = (5.0, 30.0)

# In this order. What a step found, of one and of several, in the words of a list of runs; None is not news
STEPS: Final[tuple[tuple[str, Callable[[], Found], Words], ...]] = (
    ("pull-receipts", settle.pull_receipts, ("receipt fetched", "receipts fetched")),
    ("pull-mail", settle.pull_mail, ("report on e-mails read", "reports on e-mails read")),
    ("apply-receipts", settle.apply_receipts, ("receipt applied", "receipts applied")),
    ("apply-replies", settle.apply_replies, ("reply noted", "replies noted")),
    ("save-late", settle.save_late, ("campaign saved late", "campaigns saved late")),
    (
        "end-waiting",
        settle.end_waiting,
        ("message without a receipt failed", "messages without a receipt failed"),
    ),
    ("list-unreached", settle.list_unreached, ("follow-up listed", "follow-ups listed")),
    (
        "begin-fallbacks",
        settle.begin_fallbacks,
        ("campaign by another channel begun", "campaigns by another channel begun"),
    ),
    ("find-due", settle.find_due, ("campaign goes on", "campaigns go on")),
    (
        "close-expired",
        settle.close_expired,
        ("request or plan closed", "requests or plans closed"),
    ),
    ("end-silent-runs", end_silent_runs, ("silent run ended", "silent runs ended")),
    (
        "ask-missing",
        ask_missing,
        ("run asked for beside others", "runs asked for beside others"),
    ),
    (
        "find-lost-operations",
        settle_operations.find_lost_operations,
        ("operation goes on", "operations go on"),
    ),
    (
        "end-waiting-runs",
        settle_operations.end_waiting_runs,
        ("waiting run ended", "waiting runs ended"),
    ),
    ("forget-receipts", settle.forget_receipts, None),
    ("forget-runs", forget_runs, None),
    ("save-outside", settle.save_outside, ("saved on the record outside",) * 2),
    ("send-reports", settle.send_reports, ("report sent", "reports sent")),
    ("offer-choices", settle.offer_choices, ("form with new choices", "forms with new choices")),
    ("check-health", settle.check_health, None),
)


@dataclass
class Reconciled:
    """What each step found, and what failed, by its name."""

    found: dict[str, Found] = field(default_factory=dict)
    failed: dict[str, CohortError] = field(default_factory=dict)

    @property
    def due(self) -> list[int]:
        """Campaigns that go on."""
        return _listed(self.found.get("find-due"))

    @property
    def lost(self) -> list[int]:
        """Operations that go on."""
        return _listed(self.found.get("find-lost-operations"))

    def says(self, words: Mapping[str, Words]) -> str:
        """What was done, with counts; nothing: nothing was due."""
        counts = {name: _count(found) for name, found in self.found.items()}
        told = [(n, words[name]) for name, n in counts.items() if n]
        return ", ".join(counted(n, *own) for n, own in told if own)


@task(name="reconcile")
def reconcile() -> Reconciled:
    """Every step that can be taken now; what each found."""
    return run_steps([(name, step) for name, step, _ in STEPS])


def run_steps(
    steps: Iterable[tuple[str, Callable[[], Found]]], *, sleep: Callable[[float], None] = time.sleep
) -> Reconciled:
    """
    Take each step; those that failed and may go right by themselves again, after the others.

    sleep: waits so many seconds
    """
    done, left = Reconciled(), list(steps)
    for wait in (0.0, *_AGAIN_AFTER):
        if wait and left:
            sleep(wait)
        left = [(name, step) for name, step in left if not _is_over(done, name, step)]
    return done


def _is_over(done: Reconciled, name: str, step: Callable[[], Found]) -> bool:
    """Take a step; False: it failed, and may go right by itself."""
    try:
        done.found[name] = safe(step)()
    except CohortError as error:
        done.failed[name] = error
        return not mends_itself(error)
    done.failed.pop(name, None)
    return True


def ended(done: Reconciled, going: Iterable[PrefectFuture[Any]]) -> State[Any]:
    """The state in which the run ends: what it did, that it was idle, or what failed."""
    log = get_run_logger()
    for name, error in done.failed.items():
        log.error("%s: %s", name, error)
    states = [_end_of(future) for future in going]
    failed = [f"{name}: {error}" for name, error in done.failed.items()]
    failed += [
        state.message or "a run was not started" for state in states if not state.is_completed()
    ]
    if failed:
        return Failed(message="; ".join(failed)[:1000])
    if says := done.says({name: words for name, _, words in STEPS}):
        return Completed(message=says)
    return Completed(name=IDLE, message="Nothing was due")


def _end_of(future: PrefectFuture[Any]) -> State[Any]:
    future.wait()
    return future.state


def _listed(found: Found | None) -> list[int]:
    return found if isinstance(found, list) else []


def _count(found: Found) -> int:
    return len(found) if isinstance(found, list) else found
