"""
Prefect's server dies while a campaign is sent: the sending goes on without it, and ends in seconds.

The record decides what was sent; Prefect only shows it. What could not be told to the server is left
untold, in one sentence, and this process does not wait for it at its end.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from cli import console
from clinic.errors import CohortError

if TYPE_CHECKING:
    from clinic.message.summary import Summary
    from tasks.wiring import Wiring

# Each request is tried again after 2, 4, 8 … seconds: five times by default, a minute for each request
RETRIES = "2"

_gone = False


def prepare() -> None:
    """Give up on a server that is gone in seconds, and dump nothing. Call before prefect is imported."""
    os.environ.setdefault("PREFECT_CLIENT_MAX_RETRIES", RETRIES)
    os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
    logging.raiseExceptions = (
        False  # Prefect's handler for logs asks it before it writes to the terminal
    )


def is_gone(parts: Wiring, error: Exception) -> bool:
    """Whether this error is the server's end, and not the campaign's."""
    from tasks.safely import Unforeseen
    from tasks.server import server_status

    if isinstance(error, CohortError) and not isinstance(error, Unforeseen):
        return False
    return not server_status(parts.settings).answers


def without_prefect(parts: Wiring, campaign_id: int) -> Summary:
    """
    Say it, and count what became of the campaign.

    Raises:
        Incomplete: work is left; with the next command
    """
    global _gone
    from clinic.message.summary import summarize

    _gone = True
    console.say(
        "Prefect's server no longer answers. Nothing is lost: what was sent is in the record, and only "
        "Prefect's pages do not show how this run ended. To start it again: cohort server start"
    )
    summary = summarize(parts.record, parts.clock, campaign_id, parts.timing)
    return summary.raise_if_incomplete()


def end(code: int) -> None:
    """End now where the server is gone: Prefect would wait for minutes to tell it the rest."""
    if _gone:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
