"""When a list as a whole is refused, and that the judge sees counts and flags only."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from clinic.settings import Gate, Layout
from data_checks.eligibility.eligibility import screen
from data_checks.gate.checks import percent, rows, share
from data_checks.gate.expectations import Finding, validate
from data_checks.gate.gate import judge_intake, judge_list
from data_checks.gate.suites import CEILINGS, screening_suite
from data_checks.gate.verdict import Check, Verdict
from tests.data_checks.rows import facts, flags

EMIS = {"nhs_number": "NHS Number", "local_id": "EMIS Number"}
SYSTMONE = {
    "nhs_number": "NHS number",
    "mobile": "Telecom Number",
    "birth_date": "Date of Birth",
}
PATCHS = {
    "given_name": "Given Name",
    "family_name": "Family Name",
    "birth_date": "Date of Birth",
    "nhs_number": "NHS Number",
    "mobile": "Mobile Telephone",
    "email": "E-mail Address",
}


def failed(verdict: Verdict) -> list[str]:
    return [check.name for check in verdict.checks if not check.passed]


def check(verdict: Verdict, name: str) -> Check:
    return next(check for check in verdict.checks if check.name == name)


def test_a_list_with_few_faults_passes() -> None:
    verdict = judge_list(flags(100, phone_missing=10, opted_out=5), gate=Gate())
    assert (verdict.outcome, verdict.stops, verdict.warnings) == ("pass", [], [])
    assert check(verdict, "errors").broken == 5  # the other five opted out, which comes first


# (which rule so many of 100 rows break, which check fails, what becomes of the list)
CEILING_CASES = [
    ({"patient_not_found": 31}, ["not_found"], "stop"),
    ({"birth_date_differs": 11}, ["birth_date_differs"], "stop"),
    ({"patient_dead": 11}, ["dead"], "stop"),
    ({"nhs_number_missing": 51}, ["unidentified", "errors"], "stop"),
    ({"nhs_number_missing": 50}, [], "pass"),
    # ARC-9, ACX-26: nobody's fault but the row's
    ({"phone_missing": 51}, ["errors"], "warn"),
    ({"variable_missing": 80}, ["errors"], "warn"),
    ({"placeholder": 21}, ["dummies", "placeholders"], "stop"),
    ({"shared": 20}, ["shared"], "warn"),
    ({"placeholder": 1}, ["placeholders"], "warn"),
    ({"unreadable_row": 1}, ["unreadable"], "warn"),
    ({"duplicate": 21}, ["duplicates"], "warn"),
    ({"opted_out": 100}, ["somebody"], "warn"),
    ({"patient_not_found": 30, "patient_dead": 10, "duplicate": 20}, [], "pass"),
]


@pytest.mark.parametrize(("broken", "checks", "outcome"), CEILING_CASES)
def test_a_share_over_its_ceiling_fails_its_check(
    broken: dict[str, int], checks: list[str], outcome: str
) -> None:
    verdict = judge_list(flags(100, **broken), gate=Gate())
    assert (failed(verdict), verdict.outcome) == (checks, outcome)


def test_the_sentence_says_what_was_found_what_may_be_and_what_to_do() -> None:
    stops = judge_list(flags(200, patient_dead=30), gate=Gate()).stops
    assert stops == [
        "30 of 200 rows are of deceased patients (15%); at most 10% may. "
        "The list is likely to be old. Export it again."
    ]


@pytest.mark.parametrize("ceiling", [0.07, 0.14, 0.28, 0.29, 0.42, 0.55, 0.57, 0.58, 0.83])
def test_a_ceiling_reached_exactly_passes_and_one_row_more_stops(ceiling: float) -> None:
    """In floats 1 - 0.42 is over 0.58: 42 rows of 100 would fail a ceiling of 42%."""
    gate = Gate(not_found=ceiling, errors=1, unidentified=1)
    rows = round(100 * ceiling)
    assert judge_list(flags(100, patient_not_found=rows), gate=gate).outcome == "pass"
    assert judge_list(flags(100, patient_not_found=rows + 1), gate=gate).outcome == "stop"


def test_shares_are_not_judged_on_a_handful_of_rows() -> None:
    """One dead patient of nineteen is not an old list; the row is left out all the same."""
    tiny = judge_list(flags(19, patient_dead=10), gate=Gate())
    assert tiny.outcome == "pass"
    assert "shares are not judged below 20 rows" in check(tiny, "dead").says
    assert judge_list(flags(20, patient_dead=10), gate=Gate()).outcome == "stop"


def test_an_empty_list_stops() -> None:
    """Every share passes on no rows at all; the row count does not."""
    for empty in (flags(0), pd.DataFrame()):
        verdict = judge_list(empty, gate=Gate())
        assert verdict.outcome == "stop"
        assert verdict.stops == [
            "The list has 0 rows; from 1 to 1,000,000 may. Choose a list with patients in it."
        ]


def test_the_gate_counts_what_the_screening_found() -> None:
    """An error is counted by the outcome that a person sees: a dead patient without a phone is none."""
    dead = {"dead": True, "address_fault": "phone_missing"}
    screening = screen(
        facts(dead, {"address_fault": "phone_missing"}, {"patient_id": None}, {}), channel="sms"
    )
    verdict = judge_list(screening.flags, gate=Gate())
    counts = {c.name: c.broken for c in verdict.checks if c.broken is not None}
    assert counts == {
        "unidentified": 1,
        "not_found": 1,
        "birth_date_differs": 0,
        "number_of_another": 0,
        "name_differs": 0,
        "had_this_lately": 0,
        "number_differs": 0,
        "list_says_unclear": 0,
        "outside_template": 0,
        "dead": 1,
        "dummies": 0,
        "errors": 2,
        "placeholders": 0,
        "shared": 0,
        "unreadable": 0,
        "duplicates": 0,
    }


def test_a_check_that_cannot_run_stops_even_if_it_would_only_warn() -> None:
    """A flag that is missing is found out by the suite, and nothing of the library's text is shown."""
    verdict = judge_list(flags(100).drop(columns="duplicate"), gate=Gate())
    lost = check(verdict, "duplicates")
    assert (lost.severity, lost.errored, verdict.outcome) == ("warning", True, "stop")
    assert verdict.stops == [lost.says]
    assert "could not be carried out" in lost.says


def test_a_check_of_which_nothing_came_back_stops() -> None:
    assert share(CEILINGS[-1], {}, rows=100, allowed=0.2).stops
    assert rows({}, 100).stops


def test_a_verdict_of_no_checks_stops() -> None:
    assert Verdict.of(()).outcome == "stop"


def test_anything_but_flags_is_kept_from_the_judge() -> None:
    with pytest.raises(TypeError, match="phone_missing must be bool"):
        judge_list(flags(100).assign(phone_missing="CANARY"), gate=Gate())


def test_a_verdict_comes_back_from_json_as_it_was() -> None:
    verdict = judge_list(flags(100, patient_dead=50, unreadable_row=1), gate=Gate())
    assert Verdict.from_json(verdict.to_json()) == verdict


def test_a_rare_fault_is_not_shown_as_none() -> None:
    assert [percent(p) for p in (0.00001, 0.0991, 0.3, 0.0)] == ["0.001%", "9.91%", "30%", "0%"]


def test_threads_at_once_each_judge_their_own_list() -> None:
    """A context shared between threads gave 54 to 59 of 60 lists another list's counts."""

    def counted(dead: int) -> tuple[int | None, int]:
        verdict = judge_list(flags(200 + dead, patient_dead=dead), gate=Gate())
        return check(verdict, "dead").broken, dead

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(counted, range(1, 41)))
    assert all(found == dead for found, dead in results)


# --- intake ----------------------------------------------------------------------------------------


# ACX-18, ACX-19, ACX-20: (layout, what it has, what it lacks)
LAYOUT_CASES: list[tuple[Layout, dict[str, str], list[str]]] = [
    ("emis", EMIS, []),
    ("emis", {"nhs_number": "NHS Number"}, ["column_local_id"]),
    ("emis", {"local_id": "EMIS Number"}, ["column_nhs_number"]),
    ("emis_wales", SYSTMONE, []),
    ("emis_wales", EMIS, ["column_mobile", "column_birth_date"]),
    ("systmone", SYSTMONE, []),
    ("systmone", {"nhs_number": "NHS Number"}, ["column_mobile", "column_birth_date"]),
    ("generic", {"local_id": "Id"}, []),
    ("generic", {"mobile": "Mobile"}, ["ids", "column_nhs_number"]),
    ("emis", PATCHS, []),
    ("emis", {k: PATCHS[k] for k in PATCHS if k != "email"}, ["column_email"]),
]


@pytest.mark.parametrize(("scheme", "fields", "checks"), LAYOUT_CASES)
def test_each_layout_needs_its_columns(
    scheme: Layout, fields: dict[str, str], checks: list[str]
) -> None:
    """ACX-18, ACX-19, ACX-20, PAT-8: which columns are required depends on where the list is from."""
    verdict = judge_intake(list(fields.values()), fields, 10, scheme=scheme)
    assert failed(verdict) == checks
    assert verdict.outcome == ("stop" if checks else "pass")


@pytest.mark.parametrize(("rows", "outcome"), [(0, "stop"), (1, "pass"), (1_000_001, "stop")])
def test_a_list_has_rows_and_not_too_many(rows: int, outcome: str) -> None:
    assert judge_intake(list(EMIS.values()), EMIS, rows, scheme="emis").outcome == outcome


def test_a_field_whose_heading_is_not_in_the_file_is_not_there() -> None:
    assert failed(judge_intake(["NHS Number"], EMIS, 10, scheme="emis")) == ["column_local_id"]


# (a heading, whether it is more likely a patient's cell)
HEADING_CASES = [
    ("999 000 0018", True),
    ("07700900123", True),
    ("+44 (0)7700 900123", True),
    ("31/12/1980", True),
    ("1980-12-31", True),
    ("sian@example.org", True),
    ("2024", False),
    ("2024/25", False),
    ("Q1", False),
    ("Flu 2024", False),
    ("", False),
]


@pytest.mark.parametrize(("heading", "likely"), HEADING_CASES)
def test_a_first_row_that_is_a_patient_is_noticed(heading: str, likely: bool) -> None:
    """Without a heading row the first patient is taken for the headings, and lost without a word."""
    verdict = judge_intake([*EMIS.values(), heading], EMIS, 10, scheme="emis")
    assert failed(verdict) == (["values"] if likely else [])


def test_no_patients_value_reaches_the_judge_or_what_it_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A file without headings offers its first patient as headings: none of it is told to anybody."""
    caplog.set_level(logging.DEBUG)
    headings = ["CANARY Jones", "999 123 4560", "CANARY@example.org"]
    fields = {"nhs_number": "999 123 4560", "CANARYFIELD": "CANARY Jones"}
    intake = judge_intake(headings, fields, 10, scheme="systmone")
    rows = facts({"variable_missing": "CANARYVARIABLE"}, {"duplicate_of": 9991234560})
    listed = judge_list(screen(rows, channel="sms").flags, gate=Gate())
    told = intake.to_json() + listed.to_json() + caplog.text
    assert not [value for value in ("CANARY", "9991234560", "999 123 4560") if value in told]


def test_the_librarys_own_findings_are_numbers_only() -> None:
    """Even a frame that did hold values would give none back: counts are all that is asked for."""
    found = validate(
        pd.DataFrame({c.flag: ["CANARY", "CANARY"] for c in CEILINGS} | {"accepted": True}),
        screening_suite(CEILINGS, {c.name: 0.0 for c in CEILINGS}),
    )
    assert found["dead"] == Finding(passed=False, broken=2, errored=False)
    assert "CANARY" not in repr(found)
