"""
What says nothing is not logged: of every step that ended well Prefect writes that it "Finished in state
Completed()". A step's own line says what it did (tasks/story). And of a run that people ended, after it has
said that it is Cancelled and why, that it "exited with unexpected exception".

`logging.yml` names this module while prefect is being imported, so it imports none of it.
"""

from __future__ import annotations

import logging
from typing import Final

_STEPS: Final = "prefect.task_runs"
_ENDED_WELL: Final = "Finished in state Completed()"
_ENDED_BY_PEOPLE: Final = "CancelledRun"  # the exception's name; prefect is not to be imported here


class Quiet(logging.Filter):
    """Lets every record through but those."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record says something."""
        kind = record.exc_info[0] if record.exc_info else None
        if kind is not None and kind.__name__ == _ENDED_BY_PEOPLE:
            return False
        return not (record.name.startswith(_STEPS) and record.msg == _ENDED_WELL)
