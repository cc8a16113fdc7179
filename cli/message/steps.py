"""
The steps of `cohort message` and `cohort remind`: prepare and review in this process, then run the flow on
the Prefect server.

Preparing takes the list in, judges every row and stages the messages; nothing can leave before the
flow releases the campaign. The flow finds all of that done, by the request's key, and sends.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cli import console, prefect_gone
from cli.wiring import LocalTime

if TYPE_CHECKING:
    from cli.message.options import Manner
    from clinic.message.campaign.request import MessageRequest
    from clinic.message.outcomes.summary import Summary
    from clinic.message.reminders.reminder_request import ReminderRequest
    from clinic.settings import Settings
    from tasks.wiring import Wiring


def begin(
    parts: Wiring, request: MessageRequest | ReminderRequest, *, request_key: str = ""
) -> int:
    """
    Take the list in and make the campaign; its number.

    request_key: of a preview, which no request may name; else the request's own

    Raises:
        MendableError: what to fix; nothing was sent
    """
    from clinic.message.campaign.begin import begin_campaign
    from clinic.message.reminders.remind import begin_reminders
    from clinic.message.reminders.reminder_request import ReminderRequest

    gateway = parts.gateway(request.channel, dry_run=request.dry_run, outbox=request.outbox)
    limit = parts.batch_limit(request.channel, gateway)
    key = request_key or request.request_key or ""
    if isinstance(request, ReminderRequest):
        return begin_reminders(
            parts.record, parts.clock, parts.settings, request, request_key=key, gateway=gateway.name,
            batch_limit=limit,
        )  # fmt: skip
    return begin_campaign(
        parts.record, parts.clock, parts.settings, request, request_key=key, gateway=gateway.name,
        batch_limit=limit,
    )  # fmt: skip


@contextlib.contextmanager
def carrying_on(campaign_id: int) -> Iterator[None]:
    """Where the record goes away in the block: what carries on with this campaign when it is back."""
    from clinic.errors import CohortError, RecordUnsafe
    from clinic.record.outage import full_disk, outage

    try:
        yield
    except Exception as error:
        known = error if isinstance(error, RecordUnsafe) else outage(error)
        if known is None and not isinstance(error, CohortError):
            known = full_disk()  # Prefect's server, on the same disk, fails in its own words
        if known is None:
            raise
        console.next_commands(f"cohort message --resume {campaign_id}")
        raise known from None


def is_released(parts: Wiring, campaign_id: int) -> bool:
    """Whether it was confirmed before: a resumed campaign is not asked about again."""
    from clinic.message import states
    from clinic.message.campaign.campaign import get_campaign

    with parts.record.read() as connection:
        return bool(get_campaign(connection, campaign_id).state != states.CHECKING)


def require_going(parts: Wiring, campaign_id: int) -> None:
    """
    Whether a campaign can be carried on with as it is.

    Raises:
        NotAllowed: it stands still until a person lets it go on, or all sending does; says why, and how
    """
    from clinic.errors import NotAllowed
    from clinic.message import states
    from clinic.message.campaign.campaign import get_campaign
    from clinic.message.campaign.counting import count_outcomes
    from clinic.message.campaign.sending_stop import is_kept_back, require_sending
    from clinic.message.outcomes.reasons import campaign_says
    from clinic.message.prepare.approve import REFUSED_BY_PERSON, why_refused

    with parts.record.read() as connection:
        own = get_campaign(connection, campaign_id)
        why = why_refused(connection, campaign_id)
        waits = count_outcomes(connection, campaign_id).get("waiting")
        runs = own.state in (states.SCHEDULED, states.RUNNING) and waits
        if (runs or own.state == states.CHECKING) and not own.dry_run:
            require_sending(connection)
    if own.state == states.REFUSED and own.state_reason in REFUSED_BY_PERSON:
        raise NotAllowed(own.state_reason, f"{why}. Look: cohort show {campaign_id}")
    if own.state in (states.PAUSED, states.HELD_CAMPAIGN, states.MISSED):
        first = is_kept_back(parts.record, campaign_id)
        way = (
            "all sending is stopped, which comes first: cohort sending status"
            if first
            else f"then let it go on: cohort resume {campaign_id}"
        )
        raise NotAllowed(
            "campaign-stopped",
            f"campaign {campaign_id} is {own.state}, nothing was sent. "
            f"{campaign_says(own.state_reason, own.sent_through)} Look: cohort show {campaign_id}; {way}",
        )


def prepare(parts: Wiring, campaign_id: int) -> None:
    """
    Judge every row and stage the messages. Again: only what is missing.

    Raises:
        CohortRefused: the list as a whole is not fit to act on; its rows say why
    """
    from clinic.message.credit import most_segments_of
    from clinic.message.prepare.stage import stage
    from clinic.message.template.variables import setting_of
    from clinic.message.timing.schedule import size_batches
    from data_checks.cohort import check_cohort

    settings = parts.settings
    with console.err().status("Checking the list …"):
        check_cohort(parts.record, parts.clock, settings, campaign_id)
    with console.err().status("Writing the messages …"):
        size_batches(parts.record, campaign_id, parts.timing)
        setting = setting_of(settings, parts.clock.now())
        most = most_segments_of(parts.record, settings, campaign_id)
        stage(parts.record, campaign_id, setting=setting, most_segments=most)


def who_must_approve(parts: Wiring, campaign_id: int) -> str:
    """Who besides its sender lets a campaign go that one person alone may not send, and why; else ""."""
    from clinic.message.audience.clinical import is_clinical
    from clinic.message.campaign.campaign import get_campaign
    from clinic.message.prepare.approve import why_needed

    with parts.record.read() as connection:
        job = get_campaign(connection, campaign_id)
        why = why_needed(connection, job, parts.settings)
        clinical = is_clinical(connection, job.template_version_id)
    who = "registered clinician" if clinical else "second approver"
    return f"A {who} must approve it before anything is sent: {why}." if why else ""


def act_as(parts: Wiring, manner: Manner) -> None:
    """
    Do what follows in the name of whoever acts: it is on the campaign and on the trail, also of a dry run.

    Raises:
        NotAllowed: a registered name that is not proven, or a name that is nobody's
    """
    from cli.proof import who_acts

    name = manner.proven or who_acts(parts.record, parts.settings, manner.me, manner.secret_fd)
    parts.settings = parts.settings.model_copy(update={"operator": name})


def look_as(parts: Wiring, me: str = "") -> None:
    """Look in the name of whoever looks, not of the settings': it says whose patients are theirs (NEW-38)."""
    from cli.proof import claimed

    parts.settings = parts.settings.model_copy(update={"operator": claimed(parts.settings, me)})


def waits_for_approval(parts: Wiring, campaign_id: int) -> bool:
    """
    Whether another person must decide first; asks for it, once (NEW-1).

    Raises:
        NotAllowed: the sender's role may not ask for this
    """
    from clinic.message.prepare import approve

    settings = parts.settings
    needed = approve.ask(parts.record, parts.clock, settings, campaign_id, flow_run_id=None)
    return needed and approve.answer(parts.record, parts.clock, campaign_id) == "waiting"


def write_not_accepted(parts: Wiring, campaign_id: int) -> Path:
    """The rows that get no message, as a file of the home; its path (ACX-27)."""
    from clinic.message.outcomes.outcome_rows import write_outcomes
    from clinic.record.private import close_folder, open_private

    folder = parts.settings.home / "not-accepted"
    close_folder(folder)
    path = folder / f"campaign-{campaign_id}.csv"
    with open_private(path) as file:
        zone = LocalTime(parts.settings).zone
        write_outcomes(parts.record, campaign_id, file, only="not_messaged", zone=zone)
    return path


def use_server(settings: Settings) -> None:
    """Point this process at the Prefect server, started if need be. Call before prefect is imported."""
    from tasks.processes.environment import apply_environment
    from tasks.processes.server import ensure_server

    # The progress bar tells what happens, and we say what failed; the run's page has the log
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    prefect_gone.prepare()
    apply_environment(settings)
    ensure_server(settings)


def send(parts: Wiring, request: MessageRequest | ReminderRequest, campaign_id: int) -> Summary:
    """
    Run the flow in this process, with live progress; where its server dies, go on without it.

    Raises:
        Incomplete: work is left, or a delivery status is unknown
    """
    from prefect.exceptions import CancelledRun

    from cli.message.stopping import stopping_when_asked
    from cli.show.progress import watching
    from clinic.message.reminders.reminder_request import ReminderRequest
    from flows.message import message
    from flows.remind import remind
    from tasks.processes.server import answer_of
    from tasks.runs.runs import of_this_installation
    from tasks.runs.stopping import asked_to_stop

    def flow() -> Summary:
        with of_this_installation():
            try:
                return remind(request) if isinstance(request, ReminderRequest) else message(request)
            except CancelledRun:  # in the Prefect UI: the campaign is paused
                return prefect_gone.count(parts, campaign_id)

    watch = prefect_gone.Watch(partial(answer_of, parts.settings))
    with stopping_when_asked(parts, campaign_id), asked_to_stop():
        try:
            with watching(parts.record, campaign_id):
                return prefect_gone.run_beside(flow, watch)
        except Exception as error:
            if not prefect_gone.is_gone(parts, error):
                raise
        prefect_gone.say_gone(released=is_released(parts, campaign_id))
        with watching(parts.record, campaign_id):
            prefect_gone.go_on_without(parts, campaign_id)
    return prefect_gone.count(parts, campaign_id)
