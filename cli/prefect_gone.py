"""
Prefect's server dies while a campaign is sent: said within seconds, and the sending goes on without it.

    run_beside      the flow, in a thread: this one looks every second whether the server still answers; one
                    that is there and answers late, since the machine is busy, is waited for
    go_on_without   what waits is sent and saved from here, beside the flow's own threads
    count           what became of the campaign, from the record; Prefect only shows it

Left to itself each request to a server that is gone is tried for ten seconds, and a flow makes many.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from cli import console
from clinic.errors import CohortError

if TYPE_CHECKING:
    from clinic.message.outcomes.summary import Summary
    from tasks.processes.server import Answer
    from tasks.wiring import Wiring

T = TypeVar("T")

# Each request is tried again after 2, 4, 8 … seconds: five times by default, a minute for each request
RETRIES: Final = "2"
EVERY_SECONDS: Final = 1.0
# A server that is restarted, or busy for a moment, is not gone
SILENT_SECONDS: Final = 4.0

LATE: Final = (
    "Prefect's server does not answer yet: this machine is busy. It is waited for, one minute"
)
LATE_SECONDS: Final = 60.0  # as tasks/processes/server.py, which is imported when it is needed

_leave = False


class ServerGone(Exception):
    """Prefect's server has not answered for so long that nothing waits for it any more."""


class Watch:
    """Whether the server was silent for too long; `answer` is asked each time, `say` told that it is late."""

    def __init__(
        self,
        answer: Callable[[], Answer],
        now: Callable[[], float] = time.monotonic,
        say: Callable[[str], None] = console.say,
    ) -> None:
        self._answer, self._now, self._say = answer, now, say
        self._heard = self._there = now()
        self._said = False

    def is_gone(self) -> bool:
        """Ask it; True once nobody was there for `SILENT_SECONDS`, or it did not answer for a minute."""
        found, now = self._answer(), self._now()
        if found == "yes":
            self._heard = now
        if found != "no":
            self._there = now
        if found == "late" and not self._said and now - self._heard >= SILENT_SECONDS:
            self._said = True
            self._say(LATE)
        return now - self._there >= SILENT_SECONDS or now - self._heard >= LATE_SECONDS


def prepare() -> None:
    """Give up on a server that is gone in seconds, and dump nothing. Call before prefect is imported."""
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", RETRIES)
    os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
    logging.raiseExceptions = (
        False  # Prefect's handler for logs asks it before it writes to the terminal
    )


def run_beside(flow: Callable[[], T], watch: Watch) -> T:
    """
    Run the flow in a thread of its own, as long as the server answers.

    Raises:
        ServerGone: the flow's threads still run; this process must end by `end`
    """
    global _leave
    running: concurrent.futures.Future[T] = concurrent.futures.Future()
    here = contextvars.copy_context()

    def run() -> None:
        try:
            running.set_result(here.run(flow))
        except BaseException as error:
            running.set_exception(error)

    threading.Thread(target=run, name="flow", daemon=True).start()
    try:
        while not concurrent.futures.wait([running], timeout=EVERY_SECONDS).done:
            if watch.is_gone():
                _leave = True
                raise ServerGone
    except KeyboardInterrupt:
        _leave = True  # at once: the flow's own threads would be waited for
        raise
    return running.result()


def is_gone(parts: Wiring, error: Exception) -> bool:
    """Whether this error is the server's end, and not the campaign's."""
    from tasks.guard.decorators import Unforeseen
    from tasks.processes.server import answers_at_last

    if isinstance(error, ServerGone):
        return True
    if isinstance(error, CohortError) and not isinstance(error, Unforeseen):
        return False
    return not answers_at_last(parts.settings)


def say_gone(*, released: bool) -> None:
    """
    The one sentence.

    released: whether anything of it may be sent already
    """
    global _leave
    _leave = True
    says = (
        "sending goes on without it, the record has what was sent, and only the Prefect UI do not show how "
        "this run ended. To start it again: cohort server start"
        if released
        else "nothing was sent yet; the command below starts the server again, and sends"
    )
    console.say(f"Prefect's server no longer answers. Nothing is lost: {says}")


def go_on_without(parts: Wiring, campaign_id: int) -> None:
    """
    Send and save what the flow would have, if it had released the campaign; ends with nothing in flight.

    The flow's threads still send too: a batch is one thread's at a time, and what they hold is waited for.
    """
    from clinic.govern.audit.anchor import anchor_of, write_anchor
    from clinic.message.campaign.counting import count_batches, count_leased
    from clinic.message.outcomes.save import save_batches
    from clinic.message.sending.deliver import deliver

    with parts.record.read() as connection:
        batches = count_batches(connection, campaign_id)
    first, *others = parts.gateways_of(campaign_id)
    deliver(parts.ledger(), first, campaign_id, 1, batches, others=others)
    parts.stop.set()  # nothing is begun any more, or it would be in flight when this process ends
    until = time.monotonic() + parts.settings.lease_seconds
    while time.monotonic() < until:
        with parts.record.read() as connection:
            if not count_leased(connection, campaign_id, parts.worker.name):
                break
        time.sleep(0.1)
    save_batches(parts.record, parts.clock, campaign_id, 1, batches)
    write_anchor(parts.record, anchor_of(parts.settings), clock=parts.clock)


def count(parts: Wiring, campaign_id: int) -> Summary:
    """
    What became of the campaign.

    Raises:
        Incomplete: work is left; with the next command
    """
    from clinic.message.outcomes.summary import summarize

    summary = summarize(parts.record, parts.clock, campaign_id, parts.timing)
    return summary.raise_if_incomplete()


def end(code: int) -> None:
    """End now where the server is gone: Prefect would wait for minutes to tell it the rest."""
    if _leave:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
