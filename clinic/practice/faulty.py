"""
Writes a list of patients as a practice's system exports it, with every kind of error in it.

The list has EMIS Web's headings (PAT-8, ACX-18). Most rows are right; 15 in 100 are spoiled, each fault in its
turn, so that a list of 2,000 has each of them some twenty times.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from itertools import cycle
from typing import Any

import numpy as np

from clinic.practice.people import Practice, check_digits, people

# EMIS Web's headings (formats.md); the last is a column of the practice's own, for templates
HEADINGS = (
    "EMIS Number", "NHS Number", "Title", "Given Name", "Family Name", "Date of Birth",
    "Mobile Telephone", "E-mail Address", "Usual GP's Full Name", "Clinic",
)  # fmt: skip
FAULTY_SHARE = 0.15
_Row = dict[str, str]
_Fault = Callable[[_Row], None]


def faulty_list(
    rng: np.random.Generator, rows: int = 2000, practice: Practice | None = None
) -> bytes:
    """
    A CSV file as bytes: `rows` rows of the practice's patients under EMIS headings, UTF-8 with BOM.

    15 % of the rows have an error; six more follow that are blank, as spreadsheets leave them. Some
    faults are in the record and not in the list: the dead, the opted out, the numbers that are wrong.
    """
    frame = people(practice or Practice())
    chosen = frame.iloc[rng.choice(len(frame), size=min(rows, len(frame)), replace=False)]
    made = [_row(person) for person in chosen.to_dict("records")]
    places = rng.permutation(np.arange(1, len(made)))[: int(len(made) * FAULTY_SHARE)]
    for place, spoil in zip(places.tolist(), cycle(_FAULTS), strict=False):
        spoil(made[place])
    _repeat(made, rng)
    return _as_csv(made)


def _row(person: Mapping[Any, Any]) -> _Row:
    born = person["birth_date"]
    number = str(person["nhs_number"] or "")
    values = (
        person["local_id"], f"{number[:3]} {number[3:6]} {number[6:]}".strip(), person["title"],
        person["given_name"], person["family_name"],
        f"{born:%d/%m/%Y}" if isinstance(born, date) else "",
        person["mobile"] or "", person["email"] or "", "LLWYD, Meleri (Dr)", "Flu clinic, Saturday",
    )  # fmt: skip
    return dict(zip(HEADINGS, map(str, values), strict=True))


def _repeat(made: list[_Row], rng: np.random.Generator) -> None:
    """Patients who stand in the list twice: the later row says the same, in another spelling."""
    for place in rng.choice(len(made) // 2, size=len(made) // 100, replace=False).tolist():
        again = dict(made[place])
        again["NHS Number"] = again["NHS Number"].replace(" ", "")
        made[len(made) // 2 + place] = again


def _unknown_patient(row: _Row) -> None:
    # Valid by its digits, but at the far end of the range that no practice below 900,000 reaches
    body = 999_999_000 + int(row["EMIS Number"]) % 999
    digit = int(check_digits(np.array([body]))[0])
    row["NHS Number"] = f"{body}{digit}" if digit < 10 else "999 999 9999"
    row["EMIS Number"] = "7" + row["EMIS Number"]


def _wrong_check_digit(row: _Row) -> None:
    number = row["NHS Number"] or "999 000 0018"
    row["NHS Number"] = number[:-1] + str((int(number[-1]) + 1) % 10)


def _no_ids(row: _Row) -> None:
    row["NHS Number"] = row["EMIS Number"] = ""


def _another_birth_date(row: _Row) -> None:
    day, month, year = map(int, row["Date of Birth"].split("/"))
    row["Date of Birth"] = f"{date(year, month, day) + timedelta(days=400):%d/%m/%Y}"


def _impossible_birth_date(row: _Row) -> None:
    row["Date of Birth"] = "31/02/1980"


def _no_birth_date(row: _Row) -> None:
    row["Date of Birth"] = ""


def _no_mobile(row: _Row) -> None:
    row["Mobile Telephone"] = ""


def _formula(row: _Row) -> None:
    row["Clinic"] = '=CONCATENATE(A2,"click")'


def _two_lines(row: _Row) -> None:
    row["Clinic"] = "Flu clinic\nring the bell twice"


def _quoted(row: _Row) -> None:
    row["Clinic"] = 'Flu clinic, the "big" hall'


def _no_clinic(row: _Row) -> None:
    row["Clinic"] = ""


def _spaces(row: _Row) -> None:
    row["NHS Number"] = f" {row['NHS Number']}\u00a0"


def _cell_too_many(row: _Row) -> None:
    row["Clinic"] = "Flu clinic"
    row["one more"] = "a cell under no heading"


def _letter_for_digit(row: _Row) -> None:
    row["Mobile Telephone"] = "0770O900123"


_FAULTS: tuple[_Fault, ...] = (
    _unknown_patient, _wrong_check_digit, _no_ids, _another_birth_date, _impossible_birth_date,
    _no_birth_date, _no_mobile, _formula, _two_lines, _quoted, _no_clinic, _spaces,
    _letter_for_digit, _cell_too_many,
)  # fmt: skip


def _as_csv(made: list[_Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    writer.writerows(list(row.values()) for row in made)
    writer.writerows([""] * len(HEADINGS) for _ in range(6))
    return text.getvalue().encode("utf-8-sig")
