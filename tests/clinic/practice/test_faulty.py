"""The faulty list: every kind of error a real export has, and most rows right."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from stdnum.gb import nhs

from clinic.practice.faulty import HEADINGS, faulty_list
from clinic.practice.people import Practice, people

Rows = list[list[str]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    text = faulty_list(np.random.default_rng(1)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def column(rows: Rows, heading: str) -> list[str]:
    return [row[HEADINGS.index(heading)] for row in rows]


def test_the_headings_are_those_of_emis_web() -> None:
    """PAT-8, ACX-18: the headings that EMIS writes."""
    heading = faulty_list(np.random.default_rng(1), rows=200).decode("utf-8-sig").splitlines()[0]
    assert {
        "Given Name", "Family Name", "Date of Birth", "NHS Number", "Mobile Telephone",
        "E-mail Address", "EMIS Number",
    } <= set(heading.split(","))  # fmt: skip


def test_it_has_as_many_rows_as_asked_and_blank_ones_after_them(rows: Rows) -> None:
    assert len([row for row in rows if any(row)]) == 2000
    assert all(not any(row) for row in rows[2000:])
    assert len(rows) == 2006


def test_the_same_seed_writes_the_same_bytes() -> None:
    assert faulty_list(np.random.default_rng(3), 300) == faulty_list(np.random.default_rng(3), 300)


def test_every_kind_of_fault_is_in_it(rows: Rows) -> None:
    rows = [row for row in rows if any(row)]
    numbers = [n.replace(" ", "").strip("\u00a0") for n in column(rows, "NHS Number")]
    known = set(people(Practice())["nhs_number"].dropna())
    valid = [n for n in numbers if n and nhs.is_valid(n)]
    assert any(n and not nhs.is_valid(n) for n in numbers), "wrong check digit"
    assert set(valid) - known, "a number that no patient has"
    assert len(valid) > len(set(valid)), "a patient twice"
    assert any(not any(row[:2]) for row in rows), "no id at all"
    assert "31/02/1980" in column(rows, "Date of Birth")
    assert "" in column(rows, "Date of Birth")
    assert any(cell.startswith("=") for cell in column(rows, "Clinic")), "formula"
    assert any("\n" in cell for cell in column(rows, "Clinic")), "quoted newline"
    assert any('"' in cell for cell in column(rows, "Clinic"))
    assert {"", "0770O900123"} <= set(column(rows, "Mobile Telephone"))
    assert any("ŵ" in name for name in column(rows, "Given Name")), "an accent outside Latin-1"
    assert any(len(row) > len(HEADINGS) for row in rows), "a cell too many"


def test_some_rows_are_of_the_dead(rows: Rows) -> None:
    frame = people(Practice())
    dead = set(frame[frame["death_date"].notna()]["local_id"])
    assert dead & set(column(rows, "EMIS Number"))
