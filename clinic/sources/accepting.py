"""A person lets be imported what a check stopped: once, by name and with a reason, on the trail (NEW-10)."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

import orjson

from clinic.clock import Clock
from clinic.errors import CohortRefused, NotFound
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.systems.sync_runs import STOPPED, SyncRun, acceptance, last_runs, note_run

COUNTS_FOR: Final = timedelta(hours=24)


def accept_stopped(
    record: Record, clock: Clock, source: str, kind: str, reason: str, *, by: str
) -> SyncRun:
    """
    Let the next import of this source and kind pass by what stopped the last one; the run that was stopped.

    It counts for one import within a day, and for the same checks alone: what else is wrong by then stops it.

    Raises:
        NotFound: the last import was not stopped by a check
        CohortRefused: no reason is given
    """
    if len(reason.strip()) < 3:
        raise CohortRefused("override-unnamed", "give a reason: --reason TEXT")
    now = clock.now()
    with record.write() as connection:
        last = {(run.source, run.kind): run for run in last_runs(connection)}.get((source, kind))
        if last is None or last.state != STOPPED:
            raise NotFound(
                "sync-not-stopped",
                f"the last import of {kind} from {source} was not stopped by a check: cohort sources status",
            )
        note_run(connection, last.id, accepted_by=by, accepted_at=now, reason=reason.strip())
        act = Act(
            operator=by,
            operation_type="sync.accepted",
            subject="patients",
            patients_affected=last.rows or 0,
            new_values={
                "run": last.id,
                "kind": kind,
                "sha256": last.sha256,
                "verdict_sha256": hashlib.sha256(last.checks.encode()).hexdigest(),
                "reason_sha256": hashlib.sha256(reason.strip().encode()).hexdigest(),
            },
        )
        record_act(connection, clock, act)
    return last


def use_acceptance(
    record: Record, clock: Clock, run: int, source: str, kind: str, stopped_by: set[str]
) -> bool:
    """Whether somebody lets this run pass by these checks; their yes is used up once it is imported."""
    with record.write() as connection:
        since = clock.now() - COUNTS_FOR
        found = acceptance(connection, source, kind, since=since, before=run)
        if found is None or not stopped_by <= checks_of(found):
            return False
        note_run(connection, found.id, used_by=run)
    return True


def checks_of(run: SyncRun) -> set[str]:
    """The checks that stopped a run, by name."""
    kept = orjson.loads(run.checks or "{}").get("checks", [])
    return {check["name"] for check in kept if not check["passed"]}
