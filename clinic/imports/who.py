"""Whose each row of an import is: the patient of the record by NHS number, or by the practice's own id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from clinic.imports.result import OTHER_ORGANISATION
from clinic.record.bulk import is_any_of, plain_rows
from clinic.record.schema.people import patient
from clinic.values.nhs_number import INVALID, judge_nhs_numbers

NOT_FOUND = "patient_not_found"
IDS_DIFFER = "ids_differ"
NO_ID = "nhs_number_missing"
# What a row ends with whose patient is not found: kinds that add something to a patient
NOT_TAKEN: Final = {
    NOT_FOUND: "Nobody in the record has this id: nothing is taken. Import the patient first.",
    IDS_DIFFER: "The NHS number and the practice's id are of two patients, or one is of nobody: nothing is "
    "taken. Find out who is meant.",
    NO_ID: "The row has no patient's id.",
    INVALID: "The NHS number is not one, its check digit is wrong: nothing is taken.",
    "other_organisation": OTHER_ORGANISATION,
}


def find_patients(
    connection: Connection, nhs_numbers: pd.Series[str], own_ids: pd.Series[str]
) -> pd.DataFrame:
    """
    The patient of each row; two statements.

    Args:
        nhs_numbers, own_ids: as the file has them, "" where there is none

    Returns:
        same index: `patient_id` and `version` Int64, and `fault`: "", `nhs_number_missing`,
        `nhs_number_invalid`, `patient_not_found`, or `ids_differ` where the two ids are of two patients, or one
        of nobody. With `ids_differ` and `nhs_number_invalid`, `patient_id` is whom one of the ids is of, and
        `other_id` whom the other, missing where it is of nobody
    """
    judged = judge_nhs_numbers(nhs_numbers)
    numbers, own = judged["nhs_number"], own_ids.str.strip()
    versions: dict[int, int] = {}
    by_number = _found(connection, patient.c.nhs_number, numbers, versions)
    by_own = _found(connection, patient.c.local_id, own, versions)
    result = pd.DataFrame({"patient_id": by_number.fillna(by_own)}, index=nhs_numbers.index)
    result["version"] = _mapped(result["patient_id"], versions)
    fault = pd.Series("", nhs_numbers.index, dtype="str")
    fault = fault.mask(result["patient_id"].isna(), NOT_FOUND)
    both = by_number.notna() & by_own.notna() & (by_number != by_own)
    one = (by_number.notna() != by_own.notna()) & (numbers != "") & (own != "")
    fault = fault.mask((both | one).fillna(False).astype(bool), IDS_DIFFER)
    fault = fault.mask(judged["fault"] == INVALID, INVALID)
    fault = fault.mask((numbers == "") & (own == "") & (judged["fault"] != INVALID), NO_ID)
    result["fault"] = fault
    result["other_id"] = by_own.where(both.fillna(False).astype(bool))
    return result


def _found(
    connection: Connection, column: sa.Column[str | None], values: pd.Series[str], versions: dict[int, int]
) -> pd.Series[int]:  # fmt: skip
    """The patients of these ids; notes their versions."""
    wanted = [value for value in values.unique().tolist() if value]
    if not wanted:
        return pd.Series(pd.NA, values.index, dtype="Int64")
    query = sa.select(column, patient.c.id, patient.c.version).where(is_any_of(column, wanted))
    rows = plain_rows(connection.execute(query))
    versions.update((row[1], row[2]) for row in rows)
    return _mapped(values, {row[0]: row[1] for row in rows})


def _mapped(values: pd.Series[Any], known: Mapping[Any, int]) -> pd.Series[int]:
    found = [known.get(value) for value in values.tolist()]
    return pd.Series(pd.array(found, dtype="Int64"), values.index)
