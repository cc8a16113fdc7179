"""`cohort approvals`, `cohort approve`, `cohort reject`: what waits for a second approver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from cli import console
from cli.govern.confirm import asked_by
from cli.operations.options import Limit, Page
from cli.options import ApprovalNumber, Json
from cli.proof import Me, SecretFd, claimed, prove_me, who_acts
from cli.wiring import LocalTime, get_settings, open_record

if TYPE_CHECKING:
    from clinic.change.operations import Operation
    from clinic.govern.approvals.approvals import Approval
    from clinic.govern.approvals.deciding import Decision
    from clinic.govern.approvals.for_person import Waits
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
    from cli.looks.theirs import say_others
    from clinic.clock import SystemClock
    from clinic.govern.approvals.for_person import waiting_for

    settings = get_settings()
    with open_record(settings) as record:
        found = waiting_for(record, SystemClock().now(), claimed(settings, ""))
    say_others(found.others)
    _show_list(settings, found.waits, json=json)


@app.command()
def stale(
    hours: Annotated[float, typer.Option(min=0, help="Waiting for longer than this.")] = 24,
    json: Json = False,
) -> None:
    """Old requests to be chased, and those that nobody can decide; closes what has expired."""
    from clinic.clock import SystemClock
    from clinic.govern.approvals.approvals import expire, undecidable
    from clinic.govern.approvals.approvals import stale as find_stale
    from clinic.govern.approvals.for_person import standing
    from clinic.govern.people.roles import decider
    from clinic.message.prepare.approve import close_undecided

    settings, clock = get_settings(), SystemClock()
    with open_record(settings) as record:
        closed = expire(record, clock)
        close_undecided(record, clock)
        found = find_stale(record, clock.now(), after=timedelta(hours=hours))
        stuck = undecidable(record, clock.now())
        waits = standing(record, found, claimed(settings, ""))
    _show_list(settings, waits, json=json)
    for asked in stuck:  # ALC-45
        console.say(
            f"[yellow]Nobody can decide request {asked.id}[/]: it needs {decider(asked.kind)}."
        )
    if closed:
        console.say(f"Expired without being used: {', '.join(map(str, closed))}.")


@app.command()
def show(approval: ApprovalNumber, limit: Limit = 20, page: Page = 1, json: Json = False) -> None:
    """One request: what would be done, to whom, what follows, why, and who may decide."""
    from clinic.govern.approval_rows import existing
    from clinic.govern.approvals.for_person import standing

    settings = get_settings()
    with open_record(settings) as record:
        with record.read() as connection:
            asked = existing(connection, approval)
        (waits,) = standing(record, [asked], claimed(settings, ""))
        found = _operation_of(record, asked)
        if json:
            more = (
                {"checklist": []}
                if found is None
                else _review(record, settings, found, limit, page)
            )
            told = {"deciders": waits.deciders, "confirmed": waits.proven}
            return console.show_json({**asdict(asked), **told, **more})
    at = LocalTime(settings).show
    rows = [
        ("What", f"{asked.kind}, {asked.subject} {asked.subject_id}"),
        *([] if found else sorted(asked.summary.items())),
        ("Reason", asked.reason),
        ("Requested by", f"{asked_by(asked, confirmed=waits.proven)}, {at(asked.requested_at)}"),
        ("State", f"{asked.state}, open until {at(asked.expires_at)}"),
        ("Decided by", f"{asked.decided_by}, {at(asked.decided_at)}" if asked.decided_by else ""),
        ("Note", asked.note),
        ("May decide", ", ".join(waits.deciders)),
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
        console.next_commands(*_commands(waits))
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
    from clinic.clock import SystemClock
    from tasks.asking.following import decide

    settings = get_settings()
    with open_record(settings) as record:
        person = prove_me(record, settings, me, secret_fd, anew=True)
        decided = decide(
            record, SystemClock(), settings, approval, person=person, decision=decision, note=note,
            override=override,
        )  # fmt: skip
        console.say(f"Request {decided.id} is {decided.state} by {decided.decided_by}.")
        found = _operation_of(record, decided)
        if found is not None and decision == "approved":  # ALC-15: counted again at the decision
            from cli.show.operation import show_impact

            show_impact(record, settings, found)
    lead_on(decided, settings)


def lead_on(decided: Approval, settings: Settings) -> None:
    """
    Write the decision to what waited for it, let its run go on, and say how it went.

    Raises:
        Incomplete: the decision stands, but nothing goes on now: why, and what to do
    """
    from clinic.clock import SystemClock
    from tasks.asking.following import follow

    with open_record(settings) as record:
        followed = follow(record, SystemClock(), settings, decided)
    if followed.erased:
        console.show_table(
            "Erased", ["Where", "How many"], list(followed.erased.items()), right=(1,)
        )
    for says in followed.says:
        console.say(f"[yellow]{says}[/]" if followed.warns else says)
    if followed.then:
        console.next_commands(*followed.then)


def _show_list(settings: Settings, found: Sequence[Waits], *, json: bool) -> None:
    if json:
        return console.show_json(
            [
                {**asdict(each.asked), "deciders": each.deciders, "confirmed": each.proven}
                for each in found
            ]
        )
    at = LocalTime(settings).show
    console.show_table(
        "Waiting for approval",
        ["No", "What", "Of", "Requested by", "Since", "Until", "Needs", "May decide"],
        [
            (
                each.asked.id, each.asked.kind, f"{each.asked.subject} {each.asked.subject_id}",
                asked_by(each.asked, confirmed=each.proven), at(each.asked.requested_at),
                at(each.asked.expires_at), each.needs, ", ".join(each.deciders) or "nobody",
            )
            for each in found
        ],
        right=(0,),
    )  # fmt: skip
    for each in found:
        if commands := _commands(each):
            return console.next_commands(f"cohort approvals show {each.asked.id}", *commands)
    return None


def _commands(waits: Waits) -> list[str]:
    """What this person may type (ALC-44: offered only to whom may)."""
    number = waits.asked.id
    typed = {
        "confirm": f"cohort confirm {number}",
        "approve": f'cohort approve {number} --note "…"',
        "reject": f'cohort reject {number} --note "…"',
    }
    return [typed[step] for step in waits.steps]
