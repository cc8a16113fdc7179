"""The log filter: shapes of patient data go, what an administrator needs stays."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.errors import ListRefused
from tasks.guard.scrub import PatientDataFilter, scrub

GOES = [
    ("NHS number 943 476 5919 is dead", "NHS number [number] is dead"),
    ("9434765919", "[number]"),
    ("to +447700900123 now", "to [number] now"),
    ("to 07700 900 123, again", "to [number], again"),
    ("(01632) 960-001", "[number]"),
    ("to sian.o'neill+gp@example.co.uk failed", "to [email] failed"),
    ("born 1980-02-03", "born [born]"),
    ("born 3/2/1980", "born [born]"),
    ("at SW1A 1AA", "at [postcode]"),
    ("at M11AE", "at [postcode]"),
]

STAYS = [
    "run 01991234-5678-4123-9876-123456789012 is late",
    "next at 2026-03-02T10:00:00.123+00:00",
    "next at 2026-03-02 10:00:11",
    "listening on 127.0.0.1:4200",
    "1,000 of 100,000 in 12.5 s",
    "batch 17 of campaign 4, SQLite 3.53.1",
    "gate: 31% of rows match no patient",
]


@pytest.mark.parametrize(("line", "left"), GOES)
def test_shapes_of_patient_data_leave_the_line(line: str, left: str) -> None:
    assert scrub(line) == left


@pytest.mark.parametrize("line", STAYS)
def test_what_an_administrator_needs_stays(line: str) -> None:
    assert scrub(line) == line


@settings(max_examples=200, derandomize=True)
@given(
    st.from_regex(r"[1-9][0-9]{9}", fullmatch=True),
    st.sampled_from(["", " ", "-"]),
    st.sampled_from(["", "for ", "id=", "(", "'"]),
    st.sampled_from(["", " x", ".", ",", ")", "'"]),
)
def test_no_ten_digits_pass_however_grouped(digits: str, gap: str, before: str, after: str) -> None:
    grouped = gap.join([digits[:3], digits[3:6], digits[6:]])
    assert digits[6:] not in scrub(f"{before}{grouped}{after}")


def filtered(record: logging.LogRecord) -> str:
    assert PatientDataFilter().filter(record)
    return logging.Formatter().format(record)


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("lib", logging.ERROR, __file__, 1, message, args, exc_info)


def test_a_traceback_becomes_type_and_place() -> None:
    try:
        raise ValueError("Siân Jones")
    except ValueError as error:
        line = filtered(record("failed", error=error))
    assert line.startswith("failed | ValueError at test_scrub.py:")
    assert "Jones" not in line


def test_an_exception_as_argument_is_shown_by_its_type() -> None:
    assert filtered(record("failed: %s, %r", ValueError("Siân"), KeyError("Siân"))) == (
        "failed: ValueError, 'KeyError'"
    )


def test_our_own_errors_are_shown_with_code_and_sentence() -> None:
    assert filtered(record("stopped: %s", ListRefused("no-header", "row 1 is empty"))) == (
        "stopped: no-header: row 1 is empty"
    )


def test_named_arguments_are_filled_in() -> None:
    assert filtered(record("%(rows)d rows", {"rows": 3})) == "3 rows"


def test_a_broken_log_call_of_a_library_is_told_and_does_not_stop_the_run() -> None:
    assert filtered(record("%d rows", "Siân")) == "[a line of lib that cannot be put together]"


def test_the_filter_can_be_loaded_without_prefect() -> None:
    """Prefect loads it while it is itself being imported; were that circular, nothing would filter."""
    code = "import sys, tasks.guard.scrub; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
