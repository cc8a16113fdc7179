"""
The steps of `cohort remind`: look, leave out, ask, send, tell (COM-5).

The look is a preview and gives no reminder; a yes keeps its list, and the flow sends that list.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from cli import console
from cli.looks.noting import looked
from cli.message import session, steps
from cli.message.options import Manner
from cli.remind.options import Choice, ask_rows, commands_after_look, require_seen, to_request
from cli.show.reminders import Look, show_json, show_list, show_look, show_nothing
from cli.wiring import LocalTime, get_settings, open_record
from clinic.errors import CohortRefused, NotAllowed
from clinic.gateway.voice.spoken import unit_of
from clinic.govern.access.look import at_some, known_as, of_rows
from clinic.message.asking.answering import require_answered
from clinic.message.campaign.campaign import refuse
from clinic.message.credit import credit_of, require_enough
from clinic.message.failover.ways import columns_of, parts_of
from clinic.message.prepare.preview import discard_left_behind, discard_preview, preview_key
from clinic.message.prepare.review import read_previews, review_campaign, way_of
from clinic.message.reminders.reminder_list import (
    count_given,
    count_without,
    keep_list,
    read_reminders,
    require_rows,
    seen_code,
)
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.timing.estimate import estimate
from clinic.settings import Settings
from clinic.values.text import counted
from tasks.asking.campaigns import begin
from tasks.wiring import Wiring, use, wiring

SHOWN = 20


def remind_patients(
    values: Mapping[str, Any],
    manner: Manner,
    choice: Choice,
    *,
    use_server: Callable[[Settings], None] = steps.use_server,
) -> list[str]:
    """
    Look, leave out, ask, send, tell; what one would type next.

    values: fields of `ReminderRequest`, those that were typed

    Raises:
        MendableError: what to fix; nothing was sent
        NotAllowed: nobody said yes
        Incomplete: work is left, or a delivery status is unknown
    """
    settings = get_settings()
    with open_record(settings):  # says what to do where there is no record yet
        parts = wiring()
    try:
        today = parts.clock.now().astimezone(LocalTime(settings).zone).date()
        request = to_request(values, today=today)
        if choice.only_look:
            steps.look_as(parts, manner.me)
        else:
            steps.act_as(parts, manner)
        then = _look_and_ask(parts, request, manner, choice)
        if then is not None:
            return then
        campaign_id = _begin(parts, request)
        try:
            with steps.carrying_on(campaign_id):
                return session.release(
                    parts, request, campaign_id, use_server=use_server, json=manner.json
                )
        except NotAllowed as error:
            # Who may not ask for an approval keeps no appointment from a later run
            refuse(parts.record, campaign_id, error.code)
            raise
    finally:
        use(None)
        parts.close()


def _look_and_ask(
    parts: Wiring, request: ReminderRequest, manner: Manner, choice: Choice
) -> list[str] | None:
    """None: the list is kept, and is to be sent. Else that was all; what one would type next."""
    key = preview_key()
    discard_left_behind(parts.record, parts.clock.now())
    try:
        look = _look(parts, request, key, choice)
        if not look.review.accepted:
            _note(parts, look)
            return _nobody(look, manner)
        time = LocalTime(parts.settings)
        # Nobody looks at a script's output before it sends, and its log is kept: no patient goes there
        unseen = manner.yes and not choice.only_look and not sys.stderr.isatty()
        if not unseen:
            _note(parts, look)
        show_look(replace(look, example=[]) if unseen else look, time)
        require_rows(choice.leave_out, of=look.review.rows)
        require_seen(choice, look.seen, unasked=manner.yes)
        if choice.only_look:
            _say_without(parts, look, choice.leave_out)
            if manner.json:
                show_json(look)
                return []
            show_list(look, time, result=True)
            return commands_after_look(request, look.seen)
        if not choice.leave_out:  # who leaves some out may pay for the others
            require_enough(look.credit)
        if not unseen:
            show_list(look, time, result=False)
        leave_out = _decide(parts, request, look, manner, choice)
        keep_list(parts.record, parts.clock, key, request.request_key or "", leave_out)
    finally:
        discard_preview(parts.record, key)
    return None


def _note(parts: Wiring, look: Look) -> None:
    """Log who will be shown, by key: the campaign of a look is gone after it."""
    rows = [one.row_number for one in look.rows] + [one.row_number for one in look.example]
    with parts.record.read() as connection:
        keys = of_rows(connection, look.review.campaign_id, rows)
        keys |= known_as(connection, look.review.missing)
    looked(parts.record, parts.settings, at_some("reminders", keys))


def _look(parts: Wiring, request: ReminderRequest, key: str, choice: Choice) -> Look:
    # A look is a dry run: it gives no reminder
    rehearsal = request.model_copy(update={"dry_run": True})
    campaign_id = begin(parts, rehearsal, request_key=key)
    steps.prepare(parts, campaign_id, look=True)
    review = review_campaign(
        parts.record, campaign_id, content=parts.settings.content, settings=parts.settings
    )
    now, real = parts.clock.now(), not request.dry_run
    leaves = real and not request.outbox
    gateway = parts.settings.gateway_name(review.channel) if leaves else None
    route = (
        parts_of(gateway, columns_of(parts.settings, review.channel, gateway)) if gateway else {}
    )
    way = way_of(parts.settings, route) if route else ()
    return Look(
        review=replace(review, dry_run=request.dry_run, way=way),
        given=count_given(parts.record, parts.clock, parts.settings, request),
        seen=seen_code(parts.record, campaign_id),
        example=read_previews(parts.record, campaign_id, limit=1),
        rows=read_reminders(parts.record, campaign_id, limit=None if choice.show_all else SHOWN),
        time=estimate(parts.record, campaign_id, parts.timing, now, in_earnest=real),
        credit=credit_of(parts.record, parts.settings, campaign_id, parts.clock, in_earnest=True)
        if leaves
        else None,
    )


def _nobody(look: Look, manner: Manner) -> list[str]:
    """Nobody is left to remind, which is as it should be; unless nobody could be reminded at all."""
    if look.review.rows and not look.given.left:
        why = ", ".join(f"{rows:,} {code}" for code, rows in look.review.not_accepted.items())
        raise CohortRefused("nobody-accepted", f"nobody can be reminded: {why}")
    if manner.json:
        show_json(look)
        return []
    show_nothing(look)
    return ["cohort campaigns"]


def _decide(
    parts: Wiring, request: ReminderRequest, look: Look, manner: Manner, choice: Choice
) -> Collection[int]:
    """The rows that a person leaves out, who then said yes to the others."""
    rows: Collection[int] = choice.leave_out
    if not rows and not manner.yes and sys.stdin.isatty():
        rows = ask_rows(look.review.rows)
    left = _say_without(parts, look, rows)
    if not left:
        raise NotAllowed("not-confirmed", "every row is left out: nothing was sent")
    require_answered(look.review, request.accept)
    session.decide(look.review, left, manner)
    return rows


def _say_without(parts: Wiring, look: Look, rows: Collection[int]) -> int:
    """How many messages there are without these rows."""
    if not rows:
        return look.review.accepted
    messages, segments = count_without(parts.record, look.review.campaign_id, rows)
    console.say(
        f"Without {look.review.accepted - messages:,} that you leave out: {counted(messages, 'message')}"
        + (f", {counted(segments, unit_of(look.review.channel))}" if segments else "")
        + ". Left out of this run alone: the nightly run may remind of them."
    )
    return messages


def _begin(parts: Wiring, request: ReminderRequest) -> int:
    """Make the campaign of the list that was looked at, and stage it."""
    campaign_id = begin(parts, request)
    try:
        steps.prepare(parts, campaign_id)
    except KeyboardInterrupt:
        console.say("\nInterrupted. Nothing was sent.")
        console.next_commands(f"cohort message --resume {campaign_id}")
        raise
    return campaign_id
