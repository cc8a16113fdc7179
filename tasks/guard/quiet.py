"""
What says nothing is not logged: of every step that ended well Prefect writes that it "Finished in state
Completed()". A step's own line says what it did (tasks/story).

`logging.yml` names this module while prefect is being imported, so it imports none of it.
"""

from __future__ import annotations

import logging
from typing import Final

_STEPS: Final = "prefect.task_runs"
_ENDED_WELL: Final = "Finished in state Completed()"


class Quiet(logging.Filter):
    """Lets every record through but that one."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record says something."""
        return not (record.name.startswith(_STEPS) and record.msg == _ENDED_WELL)
