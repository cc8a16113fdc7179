"""
Lets an import from a source go on, or stops it: what a dry run would do, held against the settings.

A yes of a named person counts for the checks that had stopped the import when it was given.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from clinic.clock import Clock
from clinic.errors import SourceRefused
from clinic.record.database import Record
from clinic.record.systems.sync_runs import (
    QUIET_KINDS,
    STOPPED,
    last_changed,
    most_rows_before,
    note_run,
    runs_before,
)
from clinic.settings import Settings
from clinic.sources.accepting import use_acceptance
from clinic.sources.syncing import Given, try_out
from data_checks.gate.verdict import Verdict
from data_checks.sync.closed import closed_days
from data_checks.sync.judge import figures_of, judge_source
from data_checks.sync.suite import RUNS_LOOKED_BACK


def check_given(
    record: Record, clock: Clock, settings: Settings, given: Given, *, by: str
) -> Verdict:
    """
    Judge what a source gave of a kind; what was found is kept with the run.

    Raises:
        SourceRefused: it is stopped, and nobody lets it pass: nothing of it is imported
        MendableError: it cannot be read
    """
    step = given.step
    tried = try_out(record, clock, settings, given, by=by)
    with record.read() as connection:
        before = runs_before(
            connection, step.source, step.kind, before=given.run, limit=RUNS_LOOKED_BACK
        )
        most = most_rows_before(connection, step.source, step.kind, before=given.run)
        changed = _changed(connection, given)
        zone = settings.organisation.time_zone
        closed = closed_days(connection, step.source, changed, clock.now(), zone) if changed else 0
    figures = figures_of(
        tried.counts,
        now=clock.now(),
        as_of=given.as_of,
        before=[run.rows for run in before if run.rows is not None],
        whole=given.whole,
        no_number=tried.no_number,
        most_before=most,
        changed=changed,
        closed=closed,
    )
    verdict = judge_source(figures, settings.sync.of(step.source))
    with record.write() as connection:
        note_run(connection, given.run, facts=figures, checks=verdict.to_json())
    stopped = {check.name for check in verdict.checks if check.stops}
    if not stopped or use_acceptance(record, clock, given.run, step.source, step.kind, stopped):
        return verdict
    says = (
        f"{step.kind} from {step.source}: {' '.join(verdict.stops)} Nothing of it was imported. Put it right "
        f"there; or, if it is right, cohort sources accept {step.source} {step.kind} --reason TEXT, and then "
        f"cohort sources sync {step.source}"
    )
    with record.write() as connection:
        note_run(
            connection,
            given.run,
            state=STOPPED,
            ended_at=clock.now(),
            code="sync-stopped",
            says=says,
        )
    raise SourceRefused("sync-stopped", says)


def _changed(connection: Connection, given: Given) -> datetime | None:
    """
    When an appointment was made, moved or cancelled there last; None: nobody can tell.

    Of other kinds it is not asked: of opt-outs or of people who work there days may bring nothing.
    """
    step = given.step
    if step.kind not in QUIET_KINDS:
        return None
    # Of changes alone there may be none tonight
    known = last_changed(connection, step.source, step.kind, before=given.run)
    both = (given.changed, None if given.whole else known)
    return max((at for at in both if at is not None), default=None)
