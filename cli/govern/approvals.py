"""`cohort approvals`, `cohort approve`, `cohort reject`: what waits for a second approver."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.going import told_of_run
from cli.govern.confirm import asked_by
from cli.operations.options import Limit, Page
from cli.options import ApprovalNumber, Json
from cli.proof import Me, SecretFd, anchor_of, claimed, prove_me, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.change.operations import Operation
    from clinic.govern.approvals.approvals import Approval
    from clinic.govern.approvals.deciding import Decision
    from clinic.record.database import Record
    from clinic.settings import Settings

app = typer.Typer(
    rich_markup_mode="rich",
    help="""
    What waits for a second approver. Without a command: the list.

    An approval is bound to exactly what was reviewed and serves once: any change voids it.
    """,
)


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context, json: Json = False) -> None:
    """What waits, since when, for whom."""
    if context.invoked_subcommand is not None:
        return
    from cli.looks.theirs import theirs
    from clinic.clock import SystemClock
    from clinic.govern.approvals.approvals import waiting
    from clinic.govern.tied import kept_subjects

    settings = get_settings()
    with open_record(settings) as record:
        found = waiting(record, SystemClock().now())
        own = theirs(record, settings, found, lambda one: ("approval", one.id), kept_subjects)
        _show_list(record, settings, own, json=json)


@app.command()
def stale(
    hours: Annotated[float, typer.Option(min=0, help="Waiting for longer than this.")] = 24,
    json: Json = False,
) -> None:
    """Old requests to be chased, and those that nobody can decide; closes what has expired."""
    from clinic.clock import SystemClock
    from clinic.govern.approvals.approvals import expire, undecidable
    from clinic.govern.approvals.approvals import stale as find_stale
    from clinic.message.prepare.approve import close_undecided

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        closed = expire(record, clock)
        close_undecided(record, clock)
        found = find_stale(record, clock.now(), after=timedelta(hours=hours))
        stuck = undecidable(record, clock.now())
        _show_list(record, settings, found, json=json)
    for asked in stuck:  # ALC-45
        console.say(f"[yellow]Nobody can decide request {asked.id}[/]: it needs {_needs(asked)}.")
    if closed:
        console.say(f"Expired without being used: {', '.join(map(str, closed))}.")


@app.command()
def show(approval: ApprovalNumber, limit: Limit = 20, page: Page = 1, json: Json = False) -> None:
    """One request: what would be done, to whom, what follows, why, and who may decide."""
    from clinic.govern.approval_rows import existing
    from clinic.govern.approvals.confirming import is_confirmed
    from clinic.govern.approvals.queue import deciders

    settings = get_settings()
    with open_record(settings) as record:
        with record.read() as connection:
            asked = existing(connection, approval)
            confirmed = is_confirmed(connection, asked)
        names = deciders(record, asked)
        found = _operation_of(record, asked)
        if json:
            more = (
                {"checklist": []}
                if found is None
                else _review(record, settings, found, limit, page)
            )
            told = {"deciders": names, "confirmed": confirmed}
            return console.show_json({**asdict(asked), **told, **more})
    at = LocalTime(settings).show
    rows = [
        ("What", f"{asked.kind}, {asked.subject} {asked.subject_id}"),
        *([] if found else sorted(asked.summary.items())),
        ("Reason", asked.reason),
        ("Requested by", f"{asked_by(asked, confirmed=confirmed)}, {at(asked.requested_at)}"),
        ("State", f"{asked.state}, open until {at(asked.expires_at)}"),
        ("Decided by", f"{asked.decided_by}, {at(asked.decided_at)}" if asked.decided_by else ""),
        ("Note", asked.note),
        ("May decide", ", ".join(names)),
        ("Digest", asked.digest),
    ]
    console.show_table(f"Approval {asked.id}", ["", ""], rows)
    if found is not None:
        from cli.show.operation import show_review

        with open_record(settings) as record:
            show_review(record, settings, found.id, limit=limit, page=page)
    else:  # ALC-46
        console.say("Bulk operations affect many records and cannot easily be undone.")
    if asked.state == "waiting":
        console.next_commands(*_commands(asked, settings, names, confirmed=confirmed))
    return None


def _operation_of(record: Record, asked: Approval) -> Operation | None:
    """The operation that waits for this; None: something else does."""
    from clinic.change.operations import get_operation
    from clinic.errors import NotFound

    if asked.subject != "operation":
        return None
    try:
        return get_operation(record, asked.subject_id)
    except NotFound:
        return None


def _review(
    record: Record, settings: Settings, found: Operation, limit: int, page: int
) -> dict[str, object]:
    from cli.show.operation_json import review_as_json

    return review_as_json(record, settings, found, limit=limit, page=page)


def approve(
    approval: ApprovalNumber,
    note: Annotated[str, typer.Option(help="What you checked; kept in the audit trail.")] = "",
    override: Annotated[
        str,
        typer.Option(
            metavar="WHY", help="Approve although the checklist fails; kept in the trail."
        ),
    ] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """
    Approve a request, and let its run go on. Asks for your password.

    Look at it first: cohort approvals show APPROVAL. You cannot approve what you asked for yourself.
    Name no patient in the note.
    """
    _decide(approval, "approved", note=note, me=me, secret_fd=secret_fd, override=override)


def reject(
    approval: ApprovalNumber,
    note: Annotated[str, typer.Option(help="Why; the requester reads it.")],
    me: Me = "",
    secret_fd: SecretFd = None,
) -> None:
    """Reject a request. Its run ends without having changed anything. Name no patient in the note."""
    _decide(approval, "rejected", note=note, me=me, secret_fd=secret_fd)


@app.command()
def resume(approval: ApprovalNumber, me: Me = "", secret_fd: SecretFd = None) -> None:
    """Continue the run of a decided request, if that failed when it was decided."""
    from clinic.clock import SystemClock
    from clinic.errors import NotAllowed
    from clinic.govern.approval_rows import existing
    from clinic.govern.audit.hands import tell_resumed

    settings = get_settings()
    with open_record(settings) as record:
        by = who_acts(record, settings, me, secret_fd)
        with record.read() as connection:
            decided = existing(connection, approval)
        if decided.state == "waiting":
            raise NotAllowed("approval-waiting", "nobody has decided yet; see: cohort approvals")
        subject, number = decided.subject, decided.subject_id
        tell_resumed(record, SystemClock(), by=by, subject=subject, subject_id=number)
    lead_on(decided, settings)


def _decide(
    approval: int,
    decision: Decision,
    *,
    note: str,
    me: str,
    secret_fd: int | None,
    override: str = "",
) -> None:
    from clinic.change.review.deciding import decide
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd, anew=True)
        decided = decide(
            record, SystemClock(), approval, operator=person, decision=decision, note=note,
            override=override, words=settings.silence,
        )  # fmt: skip
        write_anchor(record, anchor_of(settings))
        console.say(f"Request {decided.id} is {decided.state} by {decided.decided_by}.")
        found = _operation_of(record, decided)
        if found is not None and decision == "approved":  # ALC-15: counted again at the decision
            from cli.show.operation import show_impact

            show_impact(record, settings, found)
    lead_on(decided, settings)


def lead_on(decided: Approval, settings: Settings) -> None:
    """
    Write the decision to what waited for it, and let its run go on.

    Raises:
        Incomplete: the decision stands, but nothing goes on now: why, and what to do
    """
    from clinic.change.review.approve import answer
    from clinic.clock import SystemClock
    from clinic.errors import NotFound

    if (at_once := _at_once(decided)) is not None:
        return at_once(decided, settings)
    if decided.subject == "operation":
        try:
            with open_record(settings) as record:
                answer(record, SystemClock(), decided.subject_id)
        except NotFound:
            return console.say(_WENT["none"])
    # `settle` starts what a terminal began; a notice has a run, which is found by its campaign
    has_run = decided.flow_run_id is not None or decided.kind == "notification"
    if decided.subject != "operation" and not has_run:
        if decided.state == "rejected":
            if decided.subject == "campaign":
                _refuse(decided, settings)
            return console.say(_TOLD_NO["none"])
        if decided.subject == "campaign":
            return _taken_up(decided, settings)
        return console.say(_WENT["none"])
    told = resume_run(decided, by_prefect(settings))
    if not told and decided.subject == "campaign":
        _refuse(decided, settings)
    return None


def _taken_up(decided: Approval, settings: Settings) -> None:
    """An approved campaign that has no run: who goes on with it."""
    from clinic.errors import NotFound
    from clinic.message import states
    from clinic.message.campaign.campaign import get_campaign
    from tasks.processes.workers import worker_runs

    look, now = f"cohort show {decided.subject_id}", _resuming(decided)
    try:
        with open_record(settings) as record, record.read() as connection:
            state = get_campaign(connection, decided.subject_id).state
    except NotFound:
        return console.say(_WENT["none"])
    if state != states.AWAITING_APPROVAL:
        console.say(f"Campaign {decided.subject_id} has gone on since: it is {state}.")
        return console.next_commands(look)
    if settings.prefect_api_url or worker_runs(settings):
        console.say(_SCHEDULED)
        return console.next_commands(look, now)
    console.say(_NO_WORKER)
    return console.next_commands("cohort server start", now, look)


def _refuse(decided: Approval, settings: Settings) -> None:
    """Close a rejected campaign that no run waits for; a run that waits closes it, and ends with why."""
    from clinic.clock import SystemClock
    from clinic.errors import NotFound
    from clinic.message.prepare.approve import answer

    with contextlib.suppress(NotFound), open_record(settings) as record:
        answer(record, SystemClock(), decided.subject_id)


def _at_once(decided: Approval) -> Callable[[Approval, Settings], None] | None:
    """What is done by whoever approved it, without a run; None: something else goes on."""
    from cli.erase.patients import carry_out
    from clinic.govern.rules.governed import SUBJECT
    from clinic.retention.decided import KIND

    acts = {SUBJECT: _put_in_force, KIND: _let_go, "erasure": carry_out, "restriction": carry_out}
    return acts.get(decided.subject)


def _put_in_force(decided: Approval, settings: Settings) -> None:
    if decided.state != "approved":
        return
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.govern.rules.setting_changes import apply_change

    with open_record(settings) as record:
        name = apply_change(record, SystemClock(), decided)
        write_anchor(record, anchor_of(settings))
    console.say(f"{name} is {decided.summary['to']} from now on, for what begins now.")
    console.next_commands("cohort settings")


_GONE = {
    "replies": "Text and address of {:,} replies are gone; their rows, days and marks stay.",
    "messages": "Text and address of {:,} messages are gone; their rows and what became of them stay.",
    "import-values": "Old and new values of {:,} imports are gone; that they were made stays.",
    "before-images": "Old and new values of {:,} operations are gone; that they were done stays.",
    "trail": "{:,} acts are gone from the trail; its chain stays, and says who decided it: cohort audit verify",
    "access-log": "{:,} looks are gone from the access log.",
}


def _let_go(decided: Approval, settings: Settings) -> None:
    """NEW-39: records whose time is over go once two people said so."""
    if decided.state != "approved":
        return
    from clinic.clock import SystemClock
    from clinic.govern.audit.trail import write_anchor
    from clinic.retention.decided import carry_out, class_of

    with open_record(settings) as record:
        what = class_of(decided.subject_id).what
        gone = carry_out(record, SystemClock(), settings, what)
        write_anchor(record, anchor_of(settings))
    console.say(_GONE[what].format(gone))
    console.next_commands("cohort retention stubs")


def by_prefect(settings: Settings) -> Callable[[Approval], tuple[str, str]]:
    """Lets what was decided go on, through the Prefect server of this installation."""

    def call(decided: Approval) -> tuple[str, str]:
        from tasks.processes.environment import apply_environment

        apply_environment(settings)
        from tasks.guard.asking import (
            quickly,  # imports prefect, which reads its environment once
        )
        from tasks.runs.decided import decision_goes_on, tag_of

        with open_record(settings) as record, quickly():
            went, known = decision_goes_on(record, decided), ""
            if went not in ("none", "done") and decided.state == "approved":
                known = told_of_run(
                    settings, tag_of(decided), decided.flow_run_id, then=_resuming(decided)
                )
        return went, known if went == "not begun" else ""

    return call


def resume_run(decided: Approval, call: Callable[[Approval], tuple[str, str]]) -> bool:
    """
    Let go on what waits for this; whatever goes wrong there, the decision stands.

    A no is in the record: where no server answers, its run is told it later, by `settle`.

    Args:
        call: how its run went on, and what else is known of that run

    Returns:
        whether Prefect was told

    Raises:
        Incomplete: it did not go on
    """
    from clinic.errors import Incomplete

    try:
        went, known = call(decided)
    except Incomplete:
        raise
    except Exception as problem:
        # No server, a run that somebody deleted: all after the decision
        if decided.state == "rejected":
            console.say(_TOLD_LATER)
            return False
        says = getattr(problem, "says", f"no Prefect server answers ({type(problem).__name__})")
        then = _resuming(decided)
        raise Incomplete(
            "run-not-resumed",
            f"the decision stands, but its run does not go on yet: {says}. With the server running "
            f"(cohort server start) it goes on by itself within minutes, or at once: {then}",
        ) from None
    # Told a no, it ends, with the note; nothing of it goes on
    said = _TOLD_NO if decided.state == "rejected" else _WENT
    console.say(known or said[went])
    return True


def _resuming(decided: Approval) -> str:
    if decided.subject == "operation":
        return f"cohort operations resume {decided.subject_id}"
    if decided.subject == "campaign" and decided.kind != "notification":
        # Whatever became of its run: the record knows what is left
        return f"cohort message --resume {decided.subject_id}"
    return f"cohort approvals resume {decided.id}"


_SCHEDULED = (
    "No run waits for it: while the server runs, a scheduled one takes it up within minutes."
)
_NO_WORKER = (
    "[yellow]No run waits for it, and no worker runs here that would start one:[/] start it, and one takes it "
    "up within minutes; or send it yourself now."
)
_TOLD_LATER = (
    "Nothing was changed or sent. Prefect could not be told: its run ends by itself once the server runs "
    "(cohort server start)."
)
_TOLD_NO = {
    "resumed": "Its run ends now; nothing was changed or sent.",
    "started": "Its run was lost; another one notes that it is refused. Nothing was changed or sent.",
    "under way": "Its run reads this, and ends; nothing was changed or sent.",
    "not begun": "Its run reads this when it begins, and ends; nothing was changed or sent.",
    "none": "Nothing was changed or sent.",
    "done": "Nothing was changed or sent.",
}
_WENT = {
    "resumed": "Its run goes on.",
    "started": "No run of it is there any more: another is started.",
    "under way": "Its run is under way.",
    "not begun": "Its run has not begun yet; it reads this when it begins.",
    "none": "No run waits for it.",
    "done": "Its run has read this already.",
}


def _show_list(record: Record, settings: Settings, found: list[Approval], *, json: bool) -> None:
    from clinic.govern.approvals.approvals import deciders
    from clinic.govern.approvals.confirming import is_confirmed

    who = {asked.id: deciders(record, asked) for asked in found}
    with record.read() as connection:
        proven = {asked.id: is_confirmed(connection, asked) for asked in found}
    if json:
        return console.show_json(
            [
                {**asdict(asked), "deciders": who[asked.id], "confirmed": proven[asked.id]}
                for asked in found
            ]
        )
    at = LocalTime(settings).show
    console.show_table(
        "Waiting for approval",
        ["No", "What", "Of", "Requested by", "Since", "Until", "Needs", "May decide"],
        [
            (
                asked.id, asked.kind, f"{asked.subject} {asked.subject_id}",
                asked_by(asked, confirmed=proven[asked.id]), at(asked.requested_at),
                at(asked.expires_at), _needs(asked), ", ".join(who[asked.id]) or "nobody",
            )
            for asked in found
        ],
        right=(0,),
    )  # fmt: skip
    for asked in found:
        commands = _commands(asked, settings, who[asked.id], confirmed=proven[asked.id])
        if commands:
            return console.next_commands(f"cohort approvals show {asked.id}", *commands)
    return None


def _needs(asked: Approval) -> str:
    from clinic.govern.people.roles import decider

    return decider(asked.kind)


def _commands(
    asked: Approval, settings: Settings, names: list[str], *, confirmed: bool
) -> list[str]:
    """What this person may type (ALC-44: offered only to whom may)."""
    me = claimed(settings, "")
    if me == asked.requested_by:
        return [] if confirmed else [f"cohort confirm {asked.id}"]
    if me not in names:
        return []
    approve = [f'cohort approve {asked.id} --note "…"'] if confirmed else []
    return [*approve, f'cohort reject {asked.id} --note "…"']
