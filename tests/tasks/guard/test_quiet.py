"""Which of Prefect's own lines stand in a run's log, and how."""

from __future__ import annotations

import logging

import pytest
from prefect.exceptions import CancelledRun

from clinic.errors import CohortRefused
from tasks.guard.decorators import Unforeseen
from tasks.guard.quiet import Quiet
from tasks.guard.scrub import PatientDataFilter

FAILED = "Finished in state Failed('Task run encountered an exception "


@pytest.mark.parametrize(
    ("logger", "says", "stays"),
    [
        ("prefect.task_runs", "Finished in state Completed()", False),
        ("prefect.task_runs", "Finished in state Failed('x')", True),
        ("prefect.task_runs", f"{FAILED}CohortRefused: list-refused: 3 of 4 rows …')", False),
        ("prefect.task_runs", f"{FAILED}Unforeseen: KeyError at clinic/x.py:3')", True),
        ("prefect.flow_runs", f"{FAILED}CohortRefused: list-refused: 3 of 4 rows …')", True),
        ("prefect.flow_runs", "Finished in state Completed()", True),
        ("prefect.task_runs", "12 messages written", True),
    ],
)
def test_of_steps_that_end_well_or_are_refused_prefects_own_line_is_left_out(
    logger: str, says: str, stays: bool
) -> None:
    record = logging.LogRecord(logger, logging.INFO, "", 1, says, (), None)
    assert Quiet().filter(record) is stays


@pytest.mark.parametrize(("error", "stays"), [(CancelledRun("x"), False), (ValueError("x"), True)])
def test_that_people_ended_a_run_is_no_exception(error: Exception, stays: bool) -> None:
    """Its last line is the state with the reason; Prefect's engine adds a chain of its own files."""
    failed = (type(error), error, None)
    record = logging.LogRecord("prefect.engine", logging.ERROR, "", 1, "exited", (), failed)
    assert Quiet().filter(record) is stays


def test_what_ended_a_run_is_told_once() -> None:
    """NEW-23: a refused list stood five times in its log, the last time after the run's end."""
    quiet, told = Quiet(), []
    for error in (
        CohortRefused("list-refused", "3 of 4 rows"),
        CohortRefused("list-refused", "3 of 4 rows"),
        CohortRefused("list-refused", "4 of 5 rows"),
    ):
        failed = (type(error), error, None)
        record = logging.LogRecord("prefect.flow_runs", logging.ERROR, "", 1, "exited", (), failed)
        told.append([quiet.filter(record) for _ in ("page", "file")])
    assert told == [[True, True], [False, False], [True, True]]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            CohortRefused("over-cap", "split the list"),
            "over-cap: split the list. More: cohort help over-cap",
        ),
        (Unforeseen("unforeseen", "KeyError at x.py:3"), "Task run failed | Unforeseen at "),
    ],
)
def test_a_failed_step_tells_code_sentence_and_runbook_and_our_own_fault_its_place(
    error: Exception, told: str
) -> None:
    """Issue 17: no chain of Python files for what a person can fix."""
    failed = (type(error), error, error.__traceback__)
    record = logging.LogRecord(
        "prefect.task_runs", logging.ERROR, "", 1, "Task run failed", (), failed
    )
    assert PatientDataFilter().filter(record)
    assert record.getMessage() == told
