"""
What was approved at a page begins at once: a process beside the pages asks a worker for it.

The decision is in the record. Where this process ends, or Prefect is away, a scheduled run (`settle`) begins it
within minutes; asked for by both it is one run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from clinic.errors import CohortError
from clinic.govern.approvals.queue import approved
from clinic.govern.rules.governed import in_force
from tasks.asking.starting import start_operation, start_run

if TYPE_CHECKING:
    from clinic.record.database import Record
    from clinic.settings import Settings
    from tasks.wiring import Wiring

Start = Callable[["Record", "Settings", int], object]

_LOG: Final = logging.getLogger("cohort.desk.work")
STARTS: Final[Mapping[str, Start]] = {"operation": start_operation, "campaign": start_run}


def start_approved(parts: Wiring, tried: set[int], *, starts: Mapping[str, Start] = STARTS) -> None:
    """
    Ask a worker for each operation and campaign that is approved and has not begun, once.

    tried: numbers of the approvals that this process has asked for; they are added to

    Raises:
        what the database raises: the record is away
    """
    due = [each for each in approved(parts.record, parts.clock.now()) if each.id not in tried]
    if not due:
        return
    settings = in_force(parts.record, parts.settings).settings
    for each in due:
        tried.add(each.id)
        start = starts.get(each.subject)
        if (
            start is None or each.kind == "notification"
        ):  # a notice goes by a flow of its own: `settle`
            continue
        try:
            start(parts.record, settings, each.subject_id)
        except CohortError as problem:
            _LOG.warning("approval %s: %s", each.id, problem.code)
