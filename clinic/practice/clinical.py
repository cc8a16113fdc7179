"""
Makes up what is clinically known of a block of people: diagnoses, medications, allergies.

The codes are SNOMED CT's own for common conditions, so that exports look as they do in a practice; who
has them is chance. The same seed and block give the same rows on every machine.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from clinic.record.bulk import insert_rows
from clinic.record.schema.clinical import allergy, diagnosis, medication

SNOMED: Final = "http://snomed.info/sct"
# code, text, the age from which people have it, their share, the medicine for it
_CONDITIONS: Final = (
    ("38341003", "Hypertension", 45, 0.3, 0),
    ("44054006", "Type 2 diabetes mellitus", 40, 0.09, 1),
    ("195967001", "Asthma", 4, 0.1, 2),
    ("35489007", "Depressive disorder", 16, 0.08, 3),
    ("396275006", "Osteoarthritis", 55, 0.2, 4),
)
_MEDICINES: Final = (
    ("386864001", "Amlodipine", "5 mg once a day"),
    ("372567009", "Metformin", "500 mg twice a day"),
    ("372897005", "Salbutamol", "two puffs when needed"),
    ("372594008", "Sertraline", "50 mg once a day"),
    ("387517004", "Paracetamol", "1 g when needed, at most four times a day"),
)
_ALLERGIES: Final = (
    ("91936005", "Allergy to penicillin", 0.05, "high"),
    ("91935009", "Allergy to peanut", 0.015, "high"),
    ("418689008", "Allergy to grass pollen", 0.08, "low"),
)
_DIAGNOSIS = ("patient_id", "code", "system", "text", "onset", "ended", "status")
_MEDICATION = (
    "patient_id", "code", "system", "text", "dosage", "started", "ended", "status",
)  # fmt: skip
_ALLERGY = ("patient_id", "code", "system", "text", "onset", "status", "criticality")


def fill_clinical(
    connection: Connection, rng: np.random.Generator, block: pd.DataFrame, today: date
) -> None:
    """
    Insert the rows of a block of people, in the caller's transaction.

    Args:
        block: columns `id` and `birth_date` (clinic/practice/people.py)
        today: nothing begins after it
    """
    ids = block["id"].to_numpy(dtype=np.int64)
    born = block["birth_date"].to_numpy()
    age = today.year - pd.to_datetime(block["birth_date"]).dt.year.to_numpy()
    for code, text, least, share, medicine in _CONDITIONS:
        has = (age > least) & (rng.random(len(ids)) < share)
        # So many days since it began: fewer than the patient has lived
        days = 1 + rng.integers(0, 5000, len(ids)) % np.maximum((age - 1) * 365, 1)
        over = rng.random(len(ids)) < 0.15
        _fill_condition(connection, (code, text, medicine), ids[has], days[has], over[has], today)
    for code, text, share, criticality in _ALLERGIES:
        has = rng.random(len(ids)) < share
        rows = (
            (n, code, SNOMED, text, _at(birth, today), "active", criticality)
            for n, birth in zip(ids[has].tolist(), born[has], strict=True)
        )
        insert_rows(connection, allergy, _ALLERGY, rows)


def _fill_condition(
    connection: Connection, what: tuple[str, str, int], ids: Any, days: Any, over: Any, today: date
) -> None:
    code, text, number = what
    medicine, name, dosage = _MEDICINES[number]
    each = list(zip(ids.tolist(), days.tolist(), over.tolist(), strict=True))
    spans = [
        (n, today - timedelta(days=d), today - timedelta(days=d // 2) if o else None)
        for n, d, o in each
    ]
    insert_rows(
        connection,
        diagnosis,
        _DIAGNOSIS,
        ((n, code, SNOMED, text, on, to, "resolved" if to else "active") for n, on, to in spans),
    )
    insert_rows(
        connection,
        medication,
        _MEDICATION,
        (
            (n, medicine, SNOMED, name, dosage, on, to, "completed" if to else "active")
            for n, on, to in spans
        ),
    )


def _at(birth: Any, today: date) -> date | None:
    """When an allergy was noticed: at the age of three, or not yet noted when."""
    noticed: date = birth + timedelta(days=3 * 365)
    return noticed if noticed < today else None
