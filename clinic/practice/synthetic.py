"""
Puts a synthetic practice into the record: people, where they go, when they come, what they refused.

A block of patients and everything that belongs to them is one transaction, so that a killed run leaves
whole blocks and the next one goes on after the last. Needs about 20 µs a patient on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection, Table

from clinic.clock import Clock
from clinic.errors import NotAllowed
from clinic.practice.clinical import fill_clinical
from clinic.practice.names import FAMILY, FEMALE, MALE, TOWNS
from clinic.practice.people import FACILITIES, PROVIDERS, Practice, blocks
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.people import (
    appointment,
    consent,
    facility,
    group_member,
    patient,
    patient_group,
    patient_tag,
    provider,
    tag,
)
from clinic.record.statistics import count_grown

# code, name, share of the patients for whom the condition holds
_GROUPS = (
    ("young-mothers", "Young Mothers Group"),
    ("flu-65", "Flu invitation, 65 and over"),
    ("smear-due", "Cervical screening due"),
    ("diabetes", "Diabetes register"),
    ("carers", "Carers"),
)
_TAGS = (
    ("interpreter", "Needs an interpreter"),
    ("housebound", "Housebound"),
    ("welsh", "Prefers Welsh"),
)
_SPECIALITIES = ("General practice", "Practice nursing", "Midwifery", "Physiotherapy", "Pharmacy")
_FILLED = (patient, appointment, consent, group_member, patient_tag, allergy, diagnosis, medication)
_VISITS = ("visit", "review", "vaccination", "smear test", "blood test")


@dataclass(frozen=True)
class Filled:
    """What the record holds of the practice now."""

    patients: int
    facilities: int
    providers: int
    appointments: int
    groups: int


def fill_practice(record: Record, practice: Practice, *, clock: Clock) -> Filled:
    """
    Put the practice into an empty record, or go on where an earlier call stopped.

    Appointments lie within four weeks of now; all else depends on the practice alone.

    Raises:
        NotAllowed: the record holds patients who are not synthetic
    """
    _require_made_up(record)
    with record.write() as connection:
        _fill_places(connection)
        done = connection.scalar(sa.select(sa.func.max(patient.c.id))) or 0
    for block in blocks(practice, after=done):
        with record.write() as connection:
            _fill_block(connection, block, practice, clock.now())
            count_grown(connection, *_FILLED)
    return _count(record)


def _require_made_up(record: Record) -> None:
    real = sa.select(patient.c.id).where(
        patient.c.nhs_number.is_not(None), ~patient.c.nhs_number.startswith("999")
    )
    with record.read() as connection:
        if connection.execute(real.limit(1)).first():
            raise NotAllowed(
                "practice-not-empty",
                "this record holds real patients: the synthetic practice goes into a record of its own. "
                "Name another home: cohort demo --home DIRECTORY",
            )


def _fill_places(connection: Connection) -> None:
    if connection.execute(sa.select(facility.c.id).limit(1)).first():
        return
    connection.execute(
        sa.insert(facility),
        [
            {"id": n + 1, "code": f"F{n + 1}", "name": f"{TOWNS[n]} Surgery", "phone": f"020 7946 000{n}"}
            for n in range(FACILITIES)
        ],
    )  # fmt: skip
    each = PROVIDERS // FACILITIES
    connection.execute(
        sa.insert(provider),
        [
            {
                "id": n + 1,
                "code": f"P{n + 1:02}",
                "name": f"Dr {(FEMALE + MALE)[n * 3]} {FAMILY[n * 2]}",
                "speciality": _SPECIALITIES[n % len(_SPECIALITIES)],
                "facility_id": n // each + 1 if n // each < FACILITIES else None,
            }
            for n in range(PROVIDERS)
        ],
    )
    for table, words in ((patient_group, _GROUPS), (tag, _TAGS)):
        rows = [{"id": n, "code": c, "name": name} for n, (c, name) in enumerate(words, start=1)]
        connection.execute(sa.insert(table), rows)
    _mind_keys(connection, facility, provider, patient_group, tag)


def _fill_block(
    connection: Connection, block: pd.DataFrame, practice: Practice, now: datetime
) -> None:
    _insert(connection, patient, list(block.columns), (block[c].tolist() for c in block.columns))
    # Apart from the people's own stream, so that a change here does not change who they are
    rng = np.random.default_rng([practice.seed, int(block["id"].iloc[0]), 1])
    _fill_appointments(connection, rng, block, now)
    _fill_consents(connection, rng, block, now)
    _fill_groups(connection, rng, block, practice)
    own = np.random.default_rng([practice.seed, int(block["id"].iloc[0]), 2])
    fill_clinical(connection, own, block, practice.today)
    _mind_keys(connection, patient)


def _insert(
    connection: Connection, table: Table, names: Sequence[str], columns: Iterable[list[Any]]
) -> None:
    insert_rows(connection, table, names, zip(*columns, strict=True))


def _mind_keys(connection: Connection, *tables: Table) -> None:
    """PostgreSQL counts keys apart from the rows: let the next one of its own come after ours."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        connection.execute(sa.select(sa.func.setval(sequence, sa.func.max(table.c.id))))


def _fill_appointments(
    connection: Connection, rng: np.random.Generator, block: pd.DataFrame, now: datetime
) -> None:
    coming = block[(rng.random(len(block)) < 0.25) & block["death_date"].isna().to_numpy()]
    count = len(coming)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days, quarters = rng.integers(-28, 29, count), rng.integers(32, 70, count)
    starts = [
        midnight + timedelta(days=int(d), minutes=15 * int(q))
        for d, q in zip(days, quarters, strict=True)
    ]
    status = np.where(days < 0, "finished", "booked").astype(object)
    status[rng.random(count) < 0.06] = "cancelled"
    place = np.array([f"{town} Surgery" for town in TOWNS], dtype=object)
    columns = {
        "patient_id": coming["id"].tolist(),
        "provider_id": coming["provider_id"].tolist(),
        "facility_id": coming["facility_id"].tolist(),
        "starts_at": starts,
        "visit_type": np.array(_VISITS, dtype=object)[rng.integers(0, 5, count)].tolist(),
        "mode": np.where(rng.random(count) < 0.2, "telephone", "in_person").tolist(),
        "place": place[coming["facility_id"].to_numpy(dtype=int) - 1].tolist(),
        "status": status.tolist(),
    }
    _insert(connection, appointment, list(columns), columns.values())


def _fill_consents(
    connection: Connection, rng: np.random.Generator, block: pd.DataFrame, now: datetime
) -> None:
    """Four in a hundred declined texts, some of them consented again since; one declined everything."""
    kind = rng.random(len(block))
    ids = block["id"].to_numpy(dtype=np.int64)
    earlier, later = now - timedelta(days=400), now - timedelta(days=30)
    decisions = (
        # SNOMED CT codes as EMIS has them (formats.md, SMS consent codes)
        (kind < 0.04, "sms", "opt_out", earlier, "code", "513631000000106"),
        (kind < 0.01, "sms", "opt_in", later, "code", "699237001"),
        ((kind > 0.95) & (kind < 0.96), "any", "opt_out", later, "staff", None),
        (kind > 0.985, "email", "opt_out", later, "unsubscribe", None),
    )
    names = ("patient_id", "channel", "decision", "decided_at", "source", "code")
    for mask, *rest in decisions:
        insert_rows(connection, consent, names, ((n, *rest) for n in ids[mask].tolist()))


def _fill_groups(
    connection: Connection, rng: np.random.Generator, block: pd.DataFrame, practice: Practice
) -> None:
    born = pd.to_datetime(block["birth_date"]).dt.year.to_numpy()
    age, female = practice.today.year - born, (block["sex"] == "female").to_numpy()
    chance = rng.random(len(block))
    members = (
        female & (age > 15) & (age < 25) & (chance < 0.3),
        age >= 65,
        female & (age > 24) & (age < 65) & (chance < 0.2),
        (age > 30) & (chance > 0.93),
        (age > 20) & (chance > 0.4) & (chance < 0.43),
    )
    ids = block["id"].to_numpy(dtype=np.int64)
    for number, mask in enumerate(members, start=1):
        rows = ((number, n) for n in ids[mask].tolist())
        insert_rows(connection, group_member, ("group_id", "patient_id"), rows)
    for number in range(1, len(_TAGS) + 1):
        tagged = ids[rng.random(len(block)) < 0.02].tolist()
        rows = ((n, number) for n in tagged)
        insert_rows(connection, patient_tag, ("patient_id", "tag_id"), rows)


def _count(record: Record) -> Filled:
    tables = (patient, facility, provider, appointment, patient_group)
    with record.read() as connection:
        found = [connection.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in tables]
    return Filled(*found)
