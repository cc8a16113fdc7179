"""NEW-5: consent codes of the record are decisions; the latest wins, per purpose."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.cohort.consent_codes import CODES, read_consent_codes
from clinic.message.eligibility.suppress import opted_out
from clinic.record.database import Record
from clinic.record.schema.people import consent, patient
from tests.ledgers import add_patients


def coded(*rows: tuple[int, str, int]) -> pd.DataFrame:
    """Patient, code, and the day of January 2026."""
    return pd.DataFrame(
        [(p, code, datetime(2026, 1, day, tzinfo=UTC)) for p, code, day in rows],
        columns=["patient_id", "code", "at"],
    )


def refuse(record: Record, purpose: str = "any") -> list[int]:
    with record.read() as connection:
        return sorted(connection.scalars(opted_out("sms", purpose, sa.select(patient.c.id))))


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_formats_is_read(record: Record, code: str) -> None:
    add_patients(record, 1)
    assert read_consent_codes(record, coded((1, f" {code}.", 1))) == 1
    decision, purpose = CODES[code]
    assert refuse(record, purpose) == ([1] if decision == "opt_out" else [])
    with record.read() as connection:
        assert connection.execute(sa.select(consent.c.code)).scalar_one() == code


def test_the_latest_code_wins_and_reading_again_adds_nothing(record: Record) -> None:
    add_patients(record, 3)
    rows = coded(
        (1, "9ndQ", 1), (1, "9ndP", 2), (2, "699237001", 1), (2, "513631000000106", 2),
        (3, "9ndQ0", 1), (3, "22298006", 2), (77, "9ndQ", 1),
    )  # fmt: skip
    assert read_consent_codes(record, rows) == 5
    assert read_consent_codes(record, rows) == 0
    assert refuse(record) == [2]
    assert refuse(record, "test_results") == [2, 3]
