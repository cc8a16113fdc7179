"""
What and when: fetch from the sources, check, import, show. Each is one call inward.

Why something was not imported may name a file (`smith john.csv`), a sheet, a heading or a column of a query: it
is on the record, for `cohort sources status`, and Prefect is told the code.
"""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from clinic.errors import Incomplete
from clinic.govern.people.service import acts_as
from clinic.record.systems.sync_runs import IMPORTED, SyncRun, last_runs
from clinic.settings.sources import SourceName
from clinic.sources.staging import end_staging
from clinic.sources.syncing import Given, Step, fetch, import_given, steps_of
from data_checks.sync.check import check_given
from tasks.guard.decorators import may_mend_itself, task
from tasks.guard.own_words import by_code
from tasks.show.artifacts import create_table_artifact
from tasks.wiring import Wiring, wiring

WHY: Final = "why, and what to do: cohort sources status"


class SyncRequest(BaseModel):
    """Which sources. Keys only."""

    model_config = ConfigDict(extra="forbid")

    sources: list[SourceName] = Field(
        default=[], title="Sources", description="By their names in the settings; none: all"
    )
    requested_by: str | None = Field(default=None, title="Requested by", max_length=80)


@task(name="list-steps", retries=2, retry_delay_seconds=[1, 10])
def list_steps(request: SyncRequest) -> list[Step]:
    """Every kind of the sources, in the order in which they are imported."""
    parts = wiring()
    return steps_of(parts.record, parts.clock, parts.settings, request.sources)


@task(
    name="fetch",
    task_run_name="fetch-{step.source}-{step.kind}",
    retries=2,
    retry_delay_seconds=[30, 300],
    retry_condition_fn=may_mend_itself,
)
def fetch_step(step: Step) -> Given:
    """Fetch a kind of a source; fetched again, it is the same."""
    parts = wiring()
    with by_code(f"{step.kind} from {step.source}", WHY):
        return fetch(parts.record, parts.clock, parts.settings, step)


@task(name="check", task_run_name="check-{given.step.source}-{given.step.kind}")
def check_step(given: Given, request: SyncRequest) -> Given:
    """Judge what was fetched; what is stopped, or cannot be read, is not imported."""
    parts = wiring()
    try:
        with by_code(f"{given.step.kind} from {given.step.source}", WHY):
            check_given(parts.record, parts.clock, parts.settings, given, by=_by(request, parts))
    except BaseException:
        end_staging(given.folder)
        raise
    return given


@task(name="import", task_run_name="import-{given.step.source}-{given.step.kind}")
def import_step(given: Given, request: SyncRequest) -> dict[str, int]:
    """Import what was fetched; rows by outcome. Again: nothing changes."""
    parts = wiring()
    try:
        with by_code(f"{given.step.kind} from {given.step.source}", WHY):
            return import_given(
                parts.record, parts.clock, parts.settings, given, by=_by(request, parts),
                reached=parts.reached,
            )  # fmt: skip
    finally:
        end_staging(given.folder)


@task(name="summarize")
def summarize_sync(steps: list[Step]) -> int:
    """
    Show what came of each; how many kinds were imported.

    Raises:
        Incomplete: something was not imported, with why
    """
    with wiring().record.read() as connection:
        last = {(run.source, run.kind): run for run in last_runs(connection)}
    runs = [last[key] for step in steps if (key := (step.source, step.kind)) in last]
    create_table_artifact(
        key="sources", table=[_row(run) for run in runs], description="What came from the sources"
    )
    if wrong := [run for run in runs if run.state != IMPORTED]:
        told = ", ".join(f"{run.kind} from {run.source} ({run.code or run.state})" for run in wrong)
        raise Incomplete("sync-incomplete", f"not imported: {told}; {WHY}")
    return len(runs)


def _by(request: SyncRequest, parts: Wiring) -> str:
    """Who asked; of the schedule's own run the service (clinic/govern/people/service.py)."""
    return request.requested_by or acts_as(parts.record, parts.settings.operator)


def _row(run: SyncRun) -> dict[str, str | int]:
    counts = ", ".join(f"{n:,} {code}" for code, n in sorted(run.counts.items()) if n)
    return {
        "source": run.source,
        "kind": run.kind,
        "state": run.state,
        "rows": run.rows if run.rows is not None else "",
        "as of": f"{run.as_of:%Y-%m-%d %H:%M} UTC" if run.as_of else "",
        "outcomes": counts,
        "what to do": "" if run.state == IMPORTED else f"{run.code}: {WHY}".removeprefix(": "),
    }
