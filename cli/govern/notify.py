"""`cohort notify`: tell facilities, providers or the practice's own team of an operation."""

from __future__ import annotations

import sys
import uuid
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from cli import console
from cli.operations import session
from cli.operations.session import Asking
from cli.proof import Me, SecretFd
from clinic.errors import Incomplete, NotAllowed

if TYPE_CHECKING:
    from clinic.notify.recipients import Told
    from clinic.notify.request import NoticeRequest
    from clinic.settings import Settings

_KINDS = Literal["facility", "provider", "internal"]


def notify(
    operation: Annotated[
        int, typer.Argument(metavar="OPERATION", help="The number of the operation.")
    ],
    to: Annotated[_KINDS, typer.Option(help="Facilities, providers, or the practice's own team.")],
    reason: Annotated[str, typer.Option(help="Why; for the approver. Name no patient.")],
    text: Annotated[
        str,
        typer.Option(
            help="Instead of the usual text; may say {{ list.Name }}, {{ list.Patients }} …"
        ),
    ] = "",
    subject: Annotated[str, typer.Option(help="Instead of the usual subject.")] = "",
    me: Me = "",
    secret_fd: SecretFd = None,
    key: Annotated[
        str, typer.Option(metavar="KEY", help="Your own key: the same request twice is one notice.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask for approval at once.")] = False,
    no_run: Annotated[bool, typer.Option("--no-run", help="Only show who would be told.")] = False,
) -> None:
    """
    Tell staff of an operation, by e-mail. A manager approves.

    There is no undo: a correction can be sent as another notice.
    """
    from clinic.clock import SystemClock
    from clinic.govern.approvals.approvals import latest
    from clinic.message.purposes import NOTICE
    from clinic.notify.asking import ask_for
    from clinic.notify.preparing import prepare_notice
    from clinic.notify.ready import require_tellable
    from clinic.notify.request import NoticeRequest
    from clinic.notify.texts import SUBJECT, TEXTS, keep_text

    how = Asking(reason, me, secret_fd, key, yes, not no_run)
    with session.asking("notification", how) as (record, settings, person):
        _, told = require_tellable(record, settings, to, operation)
        _show(told, text or TEXTS[to])
        if no_run:
            return
        if not (yes or (sys.stdin.isatty() and typer.confirm("Ask for its approval?", err=True))):
            raise NotAllowed("not-confirmed", "nobody was told; ask again with --yes")
        template = keep_text(
            record, SystemClock(), text or TEXTS[to], subject=subject or SUBJECT, purpose=NOTICE,
            by=person.name,
        )  # fmt: skip
        request = NoticeRequest(
            operation_id=operation, audience=to, reason=reason, template=template,
            requested_by=person.name, request_key=key or f"cli-{uuid.uuid4()}",
        )  # fmt: skip
        ask_for(record, SystemClock(), settings, request, by=person)
        # The approval is on the record at once: who is to decide need not wait for a run
        notice = prepare_notice(record, SystemClock(), settings, request)
        with record.read() as connection:
            waits = latest(connection, subject="campaign", subject_id=notice)
        asked = f" and waits for approval {waits.id}" if waits and waits.state == "waiting" else ""
        console.say(f"The notice is campaign {notice}{asked}.")
        _start(settings, request, notice)
    show = f"cohort approvals show {waits.id}" if waits else "cohort approvals"
    console.next_commands(show, f"cohort operations show {operation}")


def _start(settings: Settings, request: NoticeRequest, notice: int) -> None:
    """
    Let a worker wait for the approval, and tell.

    Raises:
        Incomplete: the notice is kept and can be approved, but no run could be started for it
    """
    shown, key = {"request": request.model_dump(mode="json")}, f"notice-{request.request_key}"
    try:
        session.start_flow(settings, "notify-staff", shown, key=key, tag=f"campaign-{notice}")
    except Exception as problem:
        says = getattr(problem, "says", type(problem).__name__)
        raise Incomplete(
            "run-not-started",
            f"nobody was told yet. The notice is kept, and can be approved or rejected (cohort approvals), "
            f"but its run was not started: {says}; when that is fixed, it goes by itself once it is "
            "approved: cohort server start",
        ) from None


def _show(told: list[Told], text: str) -> None:
    rows = [(each.code, each.name, each.email or "no address", each.patients) for each in told]
    console.show_table("To be told", ["Code", "Name", "E-mail", "Patients"], rows, right=(3,))
    console.say(f"\n{escape(text)}\n")
