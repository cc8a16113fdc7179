"""
The second guard: what looks like a patient's number, address or date of birth leaves no log line.

The first guard is that nothing logs patient data and `tasks.guard.decorators` takes the text out of
exceptions. This one catches what libraries log by themselves. It knows shapes, not names.

`logging.yml` hangs the filter on every handler of Prefect. That file is read while `prefect` is
being imported, so this module must not import prefect: with it, the whole configuration would
fail and lines would go out unfiltered.
"""

from __future__ import annotations

import logging
import re
import traceback
from pathlib import Path
from types import TracebackType

# What looks alike and may stay comes first: run ids, points in time, versions and addresses of hosts
_SHAPES = re.compile(
    r"""
      (?P<kept> \b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b
              | \b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?
              | \b\d{1,3}(?:\.\d{1,3}){3}\b )
    | (?P<email> [\w.+'-]+@[\w-]+(?:\.[\w-]+)+ )
    | (?P<born> \b\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d\b | \b(?:19|20)\d\d[-/.]\d\d[-/.]\d\d\b )
    | (?P<number> (?<![\w.-])\+?\(?\d(?:[ ()-]{0,2}\d){8,}(?![\w-]) )
    | (?P<postcode> \b[A-Z]{1,2}\d[A-Z\d]?[ ]?\d[A-Z]{2}\b )
    """,
    re.VERBOSE,
)

_FRAMES_SHOWN = 4
_RUNS = ("prefect.task_runs", "prefect.flow_runs")  # Prefect's loggers of what a run did
_OUR_FAULT = "unforeseen"  # its place is what somebody must know


def scrub(text: str) -> str:
    """The text with e-mail addresses, dates of birth, long numbers and postcodes replaced by `[kind]`."""
    return _SHAPES.sub(lambda m: m[0] if m.lastgroup == "kept" else f"[{m.lastgroup}]", text)


def where(trace: TracebackType | None) -> str:
    """The innermost frames as `file.py:12 < file.py:40`: places, never values."""
    frames = traceback.extract_tb(trace)[-_FRAMES_SHOWN:]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))


class PatientDataFilter(logging.Filter):
    """Rewrites each record before a handler sees it; lets every record through."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = scrub(self._message(record)), ()
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            place = f"{record.msg} | {kind.__name__} at {where(trace)}"
            record.msg = _sentence(error) if record.name.startswith(_RUNS) else ""
            record.msg = record.msg or place
        # A traceback prints the exception's text, and SQLAlchemy's or pydantic's text prints rows
        record.exc_info = record.exc_text = record.stack_info = None
        return True

    @staticmethod
    def _message(record: logging.LogRecord) -> str:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_named, record.args))
        try:
            return record.getMessage()
        except (TypeError, ValueError):  # a library's broken log call must not stop a run
            return f"[a line of {record.name} that cannot be put together]"


def _sentence(error: BaseException | None) -> str:
    """Of what was foreseen: code, sentence and where more is said, without a chain of files; else ""."""
    from clinic.errors import CohortError

    if not isinstance(error, CohortError) or error.code == _OUR_FAULT:
        return ""
    return scrub(f"{error.code}: {error.says}. More: cohort help {error.code}")


def _named(argument: object) -> object:
    """An exception handed to a log call is shown by its type: its text may hold a row."""
    from clinic.errors import CohortError  # imported late: logging is set up before everything else

    if isinstance(argument, CohortError):
        return str(argument)
    return type(argument).__name__ if isinstance(argument, BaseException) else argument
