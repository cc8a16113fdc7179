"""
Consent as practices code it: the SNOMED CT and Read codes of the record become decisions (formats.md, [A11]).

The latest decision wins (clinic/message/eligibility/suppress.py). A code for test results speaks of that
purpose alone.
"""

from __future__ import annotations

from datetime import UTC
from typing import Final

import pandas as pd
import sqlalchemy as sa

from clinic.record.bulk import insert_rows, is_any_of
from clinic.record.database import Record
from clinic.record.schema.people import consent, patient

TEST_RESULTS: Final = "test_results"
# Code → decision, purpose. Read codes are told apart by case: 9ndP is not 9NdP
CODES: Final[dict[str, tuple[str, str]]] = {
    "699237001": ("opt_in", "any"),
    "9ndP": ("opt_in", "any"),
    "911361000000104": ("opt_in", TEST_RESULTS),
    "9ndP0": ("opt_in", TEST_RESULTS),
    "513631000000106": ("opt_out", "any"),
    "9ndQ": ("opt_out", "any"),
    "911401000000108": ("opt_out", TEST_RESULTS),
    "9ndQ0": ("opt_out", TEST_RESULTS),
}
_COLUMNS = ("patient_id", "channel", "purpose", "decision", "decided_at", "source", "code")


def read_consent_codes(record: Record, codes: pd.DataFrame) -> int:
    """
    Note the decisions that these codes are; how many were new. Codes of anything else are passed over.

    Args:
        codes: `patient_id` int, `code` text (Read codes with or without their dots), `at` aware datetime
    """
    given = codes.assign(code=codes["code"].astype("str").str.strip().str.rstrip("."))
    given = given[given["code"].isin(list(CODES))].drop_duplicates(["patient_id", "code", "at"])
    ids = given["patient_id"].unique().tolist()
    with record.write() as connection:
        known = set(connection.scalars(sa.select(patient.c.id).where(is_any_of(patient.c.id, ids))))
        noted = connection.execute(
            sa.select(consent.c.patient_id, consent.c.code, consent.c.decided_at).where(
                is_any_of(consent.c.patient_id, ids), consent.c.source == "code"
            )
        )
        before = {tuple(row) for row in noted}
        rows = []
        for patient_id, code, at in given[["patient_id", "code", "at"]].itertuples(index=False):
            when = at.to_pydatetime().astimezone(UTC)
            if patient_id in known and (patient_id, code, when) not in before:
                decision, purpose = CODES[code]
                rows.append((patient_id, "sms", purpose, decision, when, "code", code))
        insert_rows(connection, consent, _COLUMNS, rows)
    return len(rows)
