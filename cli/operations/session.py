"""The steps behind `cohort operations`: the requester is proven, the plan is shown, the run is started."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from cli import console
from cli.proof import prove_me, who_acts
from cli.wiring import get_settings, governed, open_record
from clinic.errors import NotAllowed

if TYPE_CHECKING:
    from clinic.govern.people.operators import Operator
    from clinic.record.database import Record
    from clinic.settings import Settings


@dataclass(frozen=True)
class Asking:
    """How somebody asks: who they are, why, and how far to go."""

    reason: str
    me: str = ""
    secret_fd: int | None = None
    key: str = ""
    yes: bool = False
    run: bool = True

    @property
    def request_key(self) -> str:
        """As it was given; else one of its own."""
        return self.key or f"cli-{uuid.uuid4()}"


@contextmanager
def asking(
    kind: str | Callable[[Record], str], how: Asking
) -> Iterator[tuple[Record, Settings, Operator]]:
    """
    The record and the proven operator, who may ask for this kind (ALC-44).

    kind: or what finds it out in the record, once the operator is proven

    Raises:
        NotAllowed: not proven, or the role may not
    """
    from clinic.govern.people.roles import require_may_ask

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        person = prove_me(record, settings, how.me, how.secret_fd)
        kind = kind if isinstance(kind, str) else kind(record)
        require_may_ask(person.role, kind)
        yield record, settings, person


def request(kind: str, selection_id: int, parameters: Mapping[str, Any], how: Asking) -> int:
    """
    Ask for an operation: store it, plan it, show the review, and start its run. Its number.

    Raises:
        MendableError: what to fix; nothing was changed
        NotAllowed: not proven, not allowed, or not confirmed
    """
    from clinic.change.asking.asking import ask
    from clinic.clock import SystemClock

    with asking(kind, how) as (record, settings, person):
        with console.err().status("Planning …"):
            operation_id = ask(
                record, SystemClock(), settings, person, kind=kind, selection_id=selection_id,
                parameters=parameters, reason=how.reason, request_key=how.request_key,
            )  # fmt: skip
        return _review_and_start(record, settings, operation_id, how, person)


def request_undo_of(
    operation_id: int, how: Asking, *, selection_id: int | None, partly: bool
) -> int:
    """Ask for an operation to be undone; the new operation's number."""
    from clinic.change.asking.asking import ask_undo
    from clinic.clock import SystemClock

    with asking("undo", how) as (record, settings, person):
        with console.err().status("Planning …"):
            undo_id = ask_undo(
                record, SystemClock(), settings, person, of=operation_id, reason=how.reason,
                request_key=how.request_key, selection_id=selection_id, partly=partly,
            )  # fmt: skip
        return _review_and_start(record, settings, undo_id, how, person)


def request_rerun_of(operation_id: int, how: Asking) -> int:
    """Ask for the failed part of an operation again; the new operation's number."""
    from clinic.change.asking.asking import ask_rerun
    from clinic.change.operations import get_operation
    from clinic.clock import SystemClock

    def kind_of(record: Record) -> str:
        return get_operation(record, operation_id).kind

    with asking(kind_of, how) as (record, settings, person):
        with console.err().status("Planning …"):
            again = ask_rerun(
                record,
                SystemClock(),
                settings,
                person,
                of=operation_id,
                request_key=how.request_key,
            )
        return _review_and_start(record, settings, again, how, person)


def _review_and_start(
    record: Record, settings: Settings, operation_id: int, how: Asking, person: Operator
) -> int:
    from cli.show.operation import show_review
    from clinic.change.asking.asking import confirm
    from clinic.change.review.checklist import require_ready
    from clinic.change.run.withdraw import withdraw
    from clinic.clock import SystemClock

    clock = SystemClock()
    if before := show_review(record, settings, operation_id).written_before:
        console.say(f"[yellow]{before}[/]")
    require_ready(record, clock, settings, operation_id)
    if not how.run:
        return operation_id  # only stored: `resume` asks for its approval
    if not (how.yes or (sys.stdin.isatty() and typer.confirm("Ask for its approval?", err=True))):
        withdraw(record, clock, operation_id, by=person.name)
        raise NotAllowed(
            "not-confirmed",
            f"nothing was changed and the request is withdrawn; to ask again: "
            f"cohort operations rerun {operation_id}",
        )
    confirm(record, clock, settings, operation_id, by=person)
    start(record, settings, operation_id)
    return operation_id


def start(record: Record, settings: Settings, operation_id: int) -> str:
    """
    Let a worker run the flow of what was asked for; how it went.

    Raises:
        Incomplete: the request is kept and can be approved, but no run could be started for it
    """
    from clinic.errors import Incomplete

    try:
        return go_on(record, settings, operation_id)
    except Exception as problem:
        # No worker, another program at Prefect's port: all after the request is in the record
        says = getattr(problem, "says", type(problem).__name__)
        raise Incomplete(
            "run-not-started",
            f"operation {operation_id} is kept, and can be approved or rejected (cohort approvals), "
            f"but its run was not started: {says}; when that is fixed: "
            f"cohort operations resume {operation_id}",
        ) from None


def go_on(record: Record, settings: Settings, operation_id: int) -> str:
    """Let the operation's run go on, or start one; server and worker are started if need be. How it went."""
    prepare_prefect(settings)
    from tasks.asking.starting import noted_run, operation_goes_on
    from tasks.guard.asking import quickly
    from tasks.runs.going_on import operation_tag, runs_of
    from tasks.runs.runs import flow_run_url

    with quickly():
        went = operation_goes_on(record, operation_id)
        found = runs_of(operation_tag(operation_id), noted_run(record, operation_id))
    console.say(f"Its run ({went}): {flow_run_url(found[0].id) if found else ''}")
    return went


def prepare_prefect(settings: Settings) -> None:
    """A server that answers, the deployments, and a worker."""
    from tasks.processes.environment import apply_environment
    from tasks.processes.server import ensure_server

    apply_environment(settings)
    ensure_server(settings)
    from tasks.prefect.deploying import (
        ensure_deployed,  # imports prefect, which reads its environment once
    )
    from tasks.processes.workers import start_worker

    for says in ensure_deployed(settings) or ():
        console.say(says)
    start_worker(settings)


def start_flow(
    settings: Settings, name: str, parameters: Mapping[str, Any], *, key: str, tag: str
) -> None:
    """Let a worker run a deployed flow, found again by its tag; server and worker are started if need be."""
    prepare_prefect(settings)
    from tasks.guard.asking import quickly
    from tasks.runs import runs  # imports prefect, which reads its environment once

    with quickly():
        run = runs.start_deployment(f"{name}/{name}", parameters, key=key, tag=tag)
    console.say(f"Its run: {runs.flow_run_url(run)}")


def resume(operation_id: int, me: str, secret_fd: int | None) -> list[str]:
    """
    Let an operation go on: ask for its approval if nobody did, start a run if it has none. What is typed next.

    Raises:
        NotAllowed: whoever asks is not proven; or it has ended: what to do instead
        OperationRefused: a point of its checklist stops it: nobody is asked to approve that
        Incomplete: no run could be started, or the one that there is has not begun
    """
    from clinic.change.asking import asking as below
    from clinic.clock import SystemClock

    settings = get_settings()
    with open_record(settings) as record:
        settings = governed(record, settings)
        by = who_acts(record, settings, me, secret_fd)
        below.resume(record, SystemClock(), settings, operation_id, by=by)
        went = start(record, settings, operation_id)
        if went in ("not begun", "under way"):
            _require_begun(record, settings, operation_id)
        return next_of(record, operation_id)


def _require_begun(record: Record, settings: Settings, operation_id: int) -> None:
    """
    Somebody wants it to go on, and nothing was done for that: it must be at it.

    Raises:
        Incomplete: its run has not begun, or fell silent
    """
    from cli.going import require_begun
    from tasks.asking.starting import noted_run
    from tasks.runs.going_on import operation_tag

    run, then = noted_run(record, operation_id), f"cohort operations resume {operation_id}"
    require_begun(settings, operation_tag(operation_id), run, then=then)


def next_of(record: Record, operation_id: int) -> list[str]:
    """What one would type next, by how an operation stands."""
    from clinic.change.operations import get_operation
    from clinic.change.review.next_steps import next_steps

    return next_steps(record, get_operation(record, operation_id))
