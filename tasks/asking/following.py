"""
What follows a decision, whoever made it and wherever: it is written to what waited for it, and its run goes on.

Whatever goes wrong after it, the decision stands. A no is in the record: where no server answers, its run is
told it later, by `settle`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final

from clinic.change.review import approve as operations
from clinic.change.review import deciding
from clinic.clock import Clock
from clinic.errors import Incomplete, NotFound
from clinic.govern.approval_rows import Approval
from clinic.govern.approvals.deciding import Decision
from clinic.govern.audit.anchor import anchor_of
from clinic.govern.audit.trail import write_anchor
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare import approve as campaigns
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.asking.at_once import Followed, at_once
from tasks.asking.begun import told_of_run
from tasks.asking.starting import start_run
from tasks.processes.environment import apply_environment
from tasks.processes.workers import worker_runs

# How its run went on, and what else is known of that run
Call = Callable[[Approval], tuple[str, str]]

_SCHEDULED: Final = (
    "No run waits for it: while the server runs, a scheduled one takes it up within minutes."
)
_NO_WORKER: Final = (
    "No run waits for it, and no worker runs here that would start one: start it, and one takes it up within "
    "minutes; or send it yourself now."
)
_TOLD_LATER: Final = (
    "Nothing was changed or sent. Prefect could not be told: its run ends by itself once the server runs "
    "(cohort server start)."
)
_TOLD_NO: Final = {
    "resumed": "Its run ends now; nothing was changed or sent.",
    "started": "Its run was lost; another one notes that it is refused. Nothing was changed or sent.",
    "under way": "Its run reads this, and ends; nothing was changed or sent.",
    "not begun": "Its run reads this when it begins, and ends; nothing was changed or sent.",
    "none": "Nothing was changed or sent.",
    "done": "Nothing was changed or sent.",
}
_WENT: Final = {
    "resumed": "Its run goes on.",
    "started": "No run of it is there any more: another is started.",
    "under way": "Its run is under way.",
    "not begun": "Its run has not begun yet; it reads this when it begins.",
    "none": "No run waits for it.",
    "done": "Its run has read this already.",
}
_NOTHING: Final = Followed((_WENT["none"],))


def decide(
    record: Record,
    clock: Clock,
    settings: Settings,
    approval_id: int,
    *,
    person: Operator,
    decision: Decision,
    note: str,
    override: str = "",
) -> Approval:
    """
    Decide a request, with its checklist judged in the same transaction, and note how long the trail is now.

    Args:
        person: proven by their password just now
        note: what they checked; of a rejection why, which the requester reads
        override: why it is approved although points of its checklist fail

    Raises:
        NotFound: there is no such request
        NotAllowed: this person may not decide it, it is decided already, or a point stops it
    """
    decided = deciding.decide(
        record, clock, approval_id, operator=person, decision=decision, note=note, override=override,
        words=settings.silence,
    )  # fmt: skip
    write_anchor(record, anchor_of(settings))
    return decided


def follow(
    record: Record, clock: Clock, settings: Settings, decided: Approval, *, start: bool = False
) -> Followed:
    """
    Write the decision to what waited for it, and let its run go on. Again: only what is left of that.

    start: whether a worker is asked to send an approved campaign that has no run; else a scheduled run does,
        within minutes

    Raises:
        Incomplete: the decision stands, but nothing goes on now: why, and what to do
    """
    if (does := at_once(decided)) is not None:
        return does(record, clock, settings, decided)
    if decided.subject == "operation":
        try:
            operations.answer(record, clock, decided.subject_id)
        except NotFound:
            return _NOTHING
    # `settle` starts what a terminal began; a notice has a run, which is found by its campaign
    has_run = decided.flow_run_id is not None or decided.kind == "notification"
    if decided.subject != "operation" and not has_run:
        if decided.state == "rejected":
            if decided.subject == "campaign":
                _refuse(record, clock, decided)
            return Followed((_TOLD_NO["none"],))
        if decided.subject == "campaign":
            return _taken_up(record, settings, decided, start=start)
        return _NOTHING
    told, says = resume_run(decided, by_prefect(record, settings))
    if not told and decided.subject == "campaign":
        _refuse(record, clock, decided)
    return Followed((says,))


def write_down(record: Record, clock: Clock, decided: Approval) -> None:
    """
    Write the decision to the operation that waited for it, and a no to the campaign; asks Prefect nothing.

    For a process without Prefect: `settle` lets the run go on within minutes.
    """
    with contextlib.suppress(NotFound):
        if decided.subject == "operation":
            operations.answer(record, clock, decided.subject_id)
        elif decided.subject == "campaign" and decided.state == "rejected":
            campaigns.answer(record, clock, decided.subject_id)


def _taken_up(record: Record, settings: Settings, decided: Approval, *, start: bool) -> Followed:
    """An approved campaign that has no run: who goes on with it."""
    look, now = f"cohort show {decided.subject_id}", _resuming(decided)
    try:
        with record.read() as connection:
            state = get_campaign(connection, decided.subject_id).state
    except NotFound:
        return _NOTHING
    if state != states.AWAITING_APPROVAL:
        return Followed(
            (f"Campaign {decided.subject_id} has gone on since: it is {state}.",), (look,)
        )
    if start:
        asked = start_run(record, settings, decided.subject_id)
        return Followed((asked.says,), (look,), warns=not asked.worker)
    if settings.prefect_api_url or worker_runs(settings):
        return Followed((_SCHEDULED,), (look, now))
    return Followed((_NO_WORKER,), ("cohort server start", now, look), warns=True)


def _refuse(record: Record, clock: Clock, decided: Approval) -> None:
    """Close a rejected campaign that no run waits for; a run that waits closes it, and ends with why."""
    with contextlib.suppress(NotFound):
        campaigns.answer(record, clock, decided.subject_id)


def by_prefect(record: Record, settings: Settings) -> Call:
    """Lets what was decided go on, through the Prefect server of this installation."""

    def call(decided: Approval) -> tuple[str, str]:
        apply_environment(settings)
        from tasks.guard.asking import (
            quickly,  # imports prefect, which reads its environment once
        )
        from tasks.runs.decided import decision_goes_on, tag_of

        with quickly():
            went, known = decision_goes_on(record, decided), ""
            if went not in ("none", "done") and decided.state == "approved":
                known = told_of_run(
                    settings, tag_of(decided), decided.flow_run_id, then=_resuming(decided)
                )
        return went, known if went == "not begun" else ""

    return call


def resume_run(decided: Approval, call: Call) -> tuple[bool, str]:
    """
    Let go on what waits for this; whatever goes wrong there, the decision stands.

    Returns:
        whether Prefect was told, and a sentence of it

    Raises:
        Incomplete: it did not go on
    """
    try:
        went, known = call(decided)
    except Incomplete:
        raise
    except Exception as problem:
        # No server, a run that somebody deleted: all after the decision
        if decided.state == "rejected":
            return False, _TOLD_LATER
        says = getattr(problem, "says", f"no Prefect server answers ({type(problem).__name__})")
        then = _resuming(decided)
        raise Incomplete(
            "run-not-resumed",
            f"the decision stands, but its run does not go on yet: {says}. With the server running "
            f"(cohort server start) it goes on by itself within minutes, or at once: {then}",
        ) from None
    # Told a no, it ends, with the note; nothing of it goes on
    said = _TOLD_NO if decided.state == "rejected" else _WENT
    return True, known or said[went]


def _resuming(decided: Approval) -> str:
    if decided.subject == "operation":
        return f"cohort operations resume {decided.subject_id}"
    if decided.subject == "campaign" and decided.kind != "notification":
        # Whatever became of its run: the record knows what is left
        return f"cohort message --resume {decided.subject_id}"
    return f"cohort approvals resume {decided.id}"
