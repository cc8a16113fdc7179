"""The steps of `cohort message`: review, ask, send, tell."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Collection
from dataclasses import asdict

import typer
from rich.markup import escape

from cli import console
from cli.govern.confirm import wait_for_another
from cli.keeping import say_not_kept
from cli.looks.noting import looked
from cli.message import steps
from cli.message.options import Manner, What, Who, require_resumable, to_request
from cli.message.preview import look
from cli.show.review import (
    show_credit,
    show_review,
    show_said,
    show_time,
    show_together,
)
from cli.show.summary import show_summary
from cli.wiring import LocalTime, get_settings, open_record
from clinic.errors import CohortRefused, Incomplete, NotAllowed
from clinic.gateway.credit import Credit
from clinic.govern.access.look import at_all
from clinic.message import states
from clinic.message.asking.answering import accept, numbered, of_warnings, require_answered
from clinic.message.asking.confirming import confirm, require_anybody
from clinic.message.asking.going import is_released, require_going
from clinic.message.asking.to_decide import to_decide
from clinic.message.campaign.campaign import get_campaign, refuse
from clinic.message.campaign.request import MessageRequest
from clinic.message.campaign.said import said_of
from clinic.message.campaign.sending_stop import is_kept_back
from clinic.message.credit import require_enough
from clinic.message.incoming.resolve_unknown import may_ask
from clinic.message.outcomes.next_steps import next_steps
from clinic.message.outcomes.reasons import campaign_says
from clinic.message.outcomes.summary import Summary, summarize
from clinic.message.prepare.content import may_be_accepted
from clinic.message.prepare.resend import may_resend, source_of
from clinic.message.prepare.review import Review, request_of
from clinic.message.recall.unreached import list_unreached
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.words.classes import SIZE
from clinic.settings import Settings
from clinic.values.text import counted
from tasks.asking.campaigns import begin
from tasks.processes.workers import worker_runs
from tasks.wiring import Wiring, use, wiring

NO_WORKER = "nobody sends them then, since no worker runs here: start one, and let it run"


def message_cohort(
    who: Who,
    what: What,
    manner: Manner,
    *,
    use_server: Callable[[Settings], None] = steps.use_server,
) -> list[str]:
    """
    Review, ask, send, tell; what one would type next.

    Raises:
        MendableError: what to fix; nothing was sent
        Incomplete: work is left, or a delivery status is unknown
    """
    settings = get_settings()
    with open_record(settings):  # says what to do where there is no record yet
        parts = wiring()
    try:
        if manner.only_look:
            steps.look_as(parts, manner.me)
            return look(parts, who, what, manner)
        if who.resume is not None:
            require_resumable(who, what, manner)
        steps.act_as(parts, manner)
        if who.resume is not None:
            require_going(parts.record, who.resume)
        request = to_request(parts, who, what, manner, key=f"cli-{uuid.uuid4()}")
        campaign_id = begin(parts, request)
        with steps.carrying_on(campaign_id):
            if not is_released(parts.record, campaign_id):
                _prepare(parts, campaign_id)
                _review(parts, campaign_id, manner)
            known = request_of(parts.record, campaign_id)  # the list by its number alone
            return release(parts, known, campaign_id, use_server=use_server, json=manner.json)
    finally:
        use(None)
        parts.close()


def release(
    parts: Wiring,
    request: MessageRequest | ReminderRequest,
    campaign_id: int,
    *,
    use_server: Callable[[Settings], None],
    json: bool,
) -> list[str]:
    """
    Send what is staged, unless a second approver must decide first; what one would type next.

    Raises:
        Incomplete: work is left, or a delivery status is unknown
    """
    confirmed = confirm(
        parts.record, parts.clock, parts.settings, campaign_id, release=False
    )  # the run that follows does
    if confirmed.waits:
        if json:
            number = confirmed.asked.id if confirmed.asked else None
            state = {"campaign_id": campaign_id, "state": states.AWAITING_APPROVAL}
            console.show_json({**state, "approval": number})
        return wait_for_another(parts.record, parts.clock, parts.settings, campaign_id)
    use_server(parts.settings)
    return _send(parts, request, campaign_id, json=json)


def _prepare(parts: Wiring, campaign_id: int) -> None:
    try:
        steps.prepare(parts, campaign_id)
    except CohortRefused:
        path = steps.write_not_accepted(parts, campaign_id)
        console.say(f"Every row and what is wrong with it: {path}")
        _list_unreached(parts)
        console.next_commands(
            f"cohort show {campaign_id} --errors-only",
            f"cohort outcomes {campaign_id} --csv outcomes-{campaign_id}.csv",
        )
        raise


def _list_unreached(parts: Wiring) -> None:
    """NEW-31: nobody of a recall that was refused is lost."""
    if count := list_unreached(parts.record, parts.clock, parts.settings):
        console.say(f"{count:,} follow-ups of the recall are listed.")


def _review(parts: Wiring, campaign_id: int, manner: Manner) -> None:
    # Nobody looks at a script's output before it sends, and its log is kept: no patient goes there
    unseen = manner.yes and not manner.synthetic and not sys.stderr.isatty()
    found = to_decide(
        parts.record, parts.clock, parts.settings, campaign_id, previews=0 if unseen else 3
    )
    review = found.review
    if found.previews or review.differences:
        looked(parts.record, parts.settings, found.look)
    if left_out := sum(review.not_accepted.values()):  # whose rows are in the file
        looked(parts.record, parts.settings, at_all("campaign", campaign_id, left_out))
    not_accepted = steps.write_not_accepted(parts, campaign_id)
    show_review(review, found.previews, not_accepted=not_accepted)
    show_together(found.together)
    say_not_kept(found.columns, found.kept)
    if found.time and not review.dry_run:
        show_time(found.time, LocalTime(parts.settings))
        show_credit(found.credit)
        if found.approval:
            console.say(f"  [yellow]{found.approval}[/]")
        _refuse_unpaid(parts, campaign_id, found.credit)
    _confirm(parts, review, manner)


def _refuse_unpaid(parts: Wiring, campaign_id: int, credit: Credit | None) -> None:
    """Before anybody is asked: what cannot be paid is not to be decided."""
    try:
        require_enough(credit)
    except CohortRefused as refused:
        refuse(parts.record, campaign_id, refused.code)
        raise


def _confirm(parts: Wiring, review: Review, manner: Manner) -> None:
    """
    Let a person decide; a no refuses the campaign, and the same list may be tried again.

    Raises:
        NotAllowed: nobody said yes, or the warnings were not accepted
    """
    try:
        require_anybody(parts.record, review.campaign_id)
    except CohortRefused:
        _list_unreached(parts)
        raise
    try:
        accept_found(parts, review, manner)
        decide(review, review.accepted, manner)
    except NotAllowed as refused:
        refuse(parts.record, review.campaign_id, refused.code)
        raise


def accept_found(parts: Wiring, review: Review, manner: Manner) -> None:
    """
    Let a person answer for what was found in the messages, once for all of it, with a reason.

    Raises:
        NotAllowed: nobody does
    """
    if not review.to_accept:
        return
    given = of_warnings() if manner.accept_warnings else {}
    left = [code for code in review.to_accept if code not in given]
    if left:
        asked = not manner.yes and all(map(may_be_accepted, left))
        reason = _reason() if asked and _typed_number(review, left) else ""
        if not reason:
            require_answered(review, given)
        given |= {code: numbered(code, review, reason) for code in left}
    accept(parts.record, parts.clock, review, given, by=parts.settings.operator)


def _typed_number(review: Review, left: Collection[str]) -> bool:
    """Whether a person typed how many messages it is, where that is an unusual number (NEW-30)."""
    if SIZE not in left:
        return True
    if not sys.stdin.isatty():
        return False
    question = "That many messages are unusual. Type their number if you mean it (Enter: not)"
    typed = str(typer.prompt(question, default="", show_default=False, err=True))
    return typed.replace(",", "").strip() == str(review.accepted)


def _reason() -> str:
    """Why it is right all the same; nothing: it is not."""
    if not sys.stdin.isatty():
        return ""
    question = "Why is it right to send this all the same? (Enter: it is not)"
    return str(typer.prompt(question, default="", show_default=False, err=True)).strip()


def decide(review: Review, messages: int, manner: Manner) -> None:
    """
    Let a person decide over so many messages (ARC-6, COM-4).

    Raises:
        NotAllowed: nobody said yes
    """
    verb = "Do a dry run of" if review.dry_run else "Send"
    question = f"{verb} {counted(messages, 'message')}?"
    if review.outbox:
        question = f"Keep {counted(messages, 'message')} in the outbox? Nothing is sent."
    if not (manner.yes or _asked(question)):
        raise NotAllowed("not-confirmed", "nothing was sent; to send without being asked: --yes")


def _asked(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(question, default=False, err=True)


def _send(
    parts: Wiring, request: MessageRequest | ReminderRequest, campaign_id: int, *, json: bool
) -> list[str]:
    try:
        steps.send(parts, request, campaign_id)
    except Incomplete:
        console.next_commands(*tell(parts, campaign_id, json=json))
        raise
    except KeyboardInterrupt:
        console.say(
            "\nInterrupted. What is in flight may still be sent; what was sent is noted, and nobody is "
            "messaged twice."
        )
        console.next_commands(f"cohort message --resume {campaign_id}")
        raise
    return tell(parts, campaign_id, json=json)


def tell(parts: Wiring, campaign_id: int, *, json: bool) -> list[str]:
    """Show the result; what one would type next."""
    summary = summarize(parts.record, parts.clock, campaign_id, parts.timing)
    not_accepted = steps.write_not_accepted(parts, campaign_id)
    if json:
        console.show_json(
            {
                **asdict(summary),
                "verdict": summary.verdict,
                "status": summary.status,
                "not_accepted_file": str(not_accepted),
            }
        )
        return []
    show_summary(summary, not_accepted=not_accepted)
    with parts.record.read() as connection:
        show_said(said_of(connection, campaign_id))
    return _way_on(parts, summary)


def _way_on(parts: Wiring, summary: Summary) -> list[str]:
    """Says why something waits, if it does; what one would type next."""
    campaign_id = summary.campaign_id
    with parts.record.read() as connection:
        own = get_campaign(connection, campaign_id)
        resendable = may_resend(own, source_of(connection, own))
    waits = summary.waits_until is not None and not summary.trouble
    ways = next_steps(
        campaign_id, summary.state, summary.outcomes, resendable=resendable, waits=waits,
        stopped=is_kept_back(parts.record, campaign_id),
        askable=may_ask(parts.record, campaign_id, parts.clock.now()),
    )  # fmt: skip
    if parts.interrupted and summary.state == states.RUNNING:
        console.say(f"You stopped it. Not sent yet: {counted(summary.waiting, 'message')}.")
    elif summary.state_reason:
        why = campaign_says(summary.state_reason, summary.gateway)
        console.say(f"[yellow]It stopped itself or was stopped.[/] {escape(why)}")
    elif summary.trouble:
        says = f"Not sent yet: {counted(summary.waiting, 'message')}. {summary.trouble}."
        console.say(f"[yellow]{escape(says)}[/] They are tried again; nobody is messaged twice.")
    elif summary.waits_until:
        at = LocalTime(parts.settings).show(summary.waits_until)
        works = _a_worker_may_run(parts.settings)
        says = "a scheduled run sends them then" if works else NO_WORKER
        console.say(
            f"{counted(summary.waiting, 'message waits', 'messages wait')} until {at}: {says}."
        )
        if not works:
            return ["cohort server start", *ways]
    return ways


def _a_worker_may_run(settings: Settings) -> bool:
    """Whether one runs here; with a server elsewhere (`prefect_api_url`) there may be one anywhere."""
    return bool(settings.prefect_api_url) or worker_runs(settings)
