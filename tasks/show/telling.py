"""
Writes a step's sentences to its run's log, where the Prefect UI shows them.

Prefect sends the lines by itself, some at once: no step waits for that. What the record cannot tell just then
fails no step.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa
from prefect import get_run_logger
from prefect.exceptions import MissingContextError
from sqlalchemy import Connection

from tasks.story.lines import Line
from tasks.wiring import wiring

_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def tell(lines: Callable[[Connection], Sequence[Line]]) -> None:
    """Log what these lines say of the record as it is now."""
    log = _log()
    try:
        with wiring().record.read() as connection:
            told = lines(connection)
    except sa.exc.DBAPIError as error:
        log.warning("The record does not tell what this step did: %s", type(error).__name__)
        return
    for line in told:
        log.log(_LEVELS[line.level], "%s", line.says)


def _log() -> logging.Logger | logging.LoggerAdapter[logging.Logger]:
    """The run's; a step that is called by itself, outside of any run, has the program's own."""
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
