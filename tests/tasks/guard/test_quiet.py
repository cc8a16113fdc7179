"""Which of Prefect's own lines stand in a run's log, and how."""

from __future__ import annotations

import logging

import pytest
from prefect.exceptions import CancelledRun

from clinic.errors import CohortRefused
from tasks.guard.decorators import Unforeseen
from tasks.guard.quiet import Quiet
from tasks.guard.scrub import PatientDataFilter


@pytest.mark.parametrize(
    ("logger", "says", "stays"),
    [
        ("prefect.task_runs", "Finished in state Completed()", False),
        ("prefect.task_runs", "Finished in state Failed('x')", True),
        ("prefect.flow_runs", "Finished in state Completed()", True),
        ("prefect.task_runs", "12 messages written", True),
    ],
)
def test_only_that_a_step_ended_well_is_left_out(logger: str, says: str, stays: bool) -> None:
    record = logging.LogRecord(logger, logging.INFO, "", 1, says, (), None)
    assert Quiet().filter(record) is stays


@pytest.mark.parametrize(("error", "stays"), [(CancelledRun("x"), False), (ValueError("x"), True)])
def test_that_people_ended_a_run_is_no_exception(error: Exception, stays: bool) -> None:
    """Its last line is the state with the reason; Prefect's engine adds a chain of its own files."""
    failed = (type(error), error, None)
    record = logging.LogRecord("prefect.engine", logging.ERROR, "", 1, "exited", (), failed)
    assert Quiet().filter(record) is stays


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
