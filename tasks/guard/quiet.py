"""
What says nothing is not logged: of every step that ended well Prefect writes that it "Finished in state
Completed()". A step's own line says what it did (tasks/story). Of a refusal it would tell four times what the
run's own error tells: the step's state, and what ends the run's process, say nothing more. And of a run that
people ended, after it has said that it is Cancelled and why, that it "exited with unexpected exception".

`logging.yml` names this module while prefect is being imported, so it imports none of it.
"""

from __future__ import annotations

import logging
import re
from typing import Final

_STEPS: Final = "prefect.task_runs"
_ENDED_WELL: Final = "Finished in state Completed()"
# Code and sentence of ours behind the exception's name; a fault of ours keeps its place
_REFUSED: Final = re.compile(
    r"Finished in state Failed\(.Task run encountered an exception (?!Unforeseen)\w+: [a-z]+(-[a-z]+)+: "
)
_ENDED_BY_PEOPLE: Final = "CancelledRun"  # the exception's name; prefect is not to be imported here


class Quiet(logging.Filter):
    """Lets every record through but those."""

    def __init__(self) -> None:
        super().__init__()
        self._told = ("", "")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record says something."""
        kind, error, _ = record.exc_info or (None, None, None)
        if kind is not None and kind.__name__ == _ENDED_BY_PEOPLE:
            return False
        if record.name.startswith(_STEPS):
            said = str(record.msg)
            return said != _ENDED_WELL and _REFUSED.match(said) is None
        code = getattr(error, "code", "")
        return not (code and isinstance(code, str)) or self._is_first(record, code, str(error))

    def _is_first(self, record: logging.LogRecord, code: str, says: str) -> bool:
        """Whether nobody was told this before; all handlers have one filter, and each asks for itself."""
        if "is_first" not in record.__dict__:
            record.__dict__["is_first"] = self._told != (code, says)
            self._told = (code, says)
        return bool(record.__dict__["is_first"])
