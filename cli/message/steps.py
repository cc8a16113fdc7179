"""
The steps of `cohort message` and `cohort remind` around what is decided (clinic/message/asking): in whose name,
the file of who gets none, and the flow on the Prefect server.

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


def prepare(parts: Wiring, campaign_id: int, *, look: bool = False) -> None:
    """
    Judge every row and stage the messages, and say so meanwhile. Again: only what is missing.

    look: it is only looked at, and stays as it is if it cannot be staged

    Raises:
        CohortRefused: the list as a whole is not fit to act on; its rows say why
    """
    from tasks.asking import campaigns

    with console.err().status("Checking the list …") as shown:
        act = campaigns.prepare_look if look else campaigns.prepare
        act(parts, campaign_id, telling=shown.update)


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
    from clinic.message.asking.going import is_released
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
        prefect_gone.say_gone(released=is_released(parts.record, campaign_id))
        with watching(parts.record, campaign_id):
            prefect_gone.go_on_without(parts, campaign_id)
    return prefect_gone.count(parts, campaign_id)
