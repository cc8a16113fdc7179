"""Visits as an operation proposes them: reviewed and approved row by row, then booked from here."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# id: operation_id * 2**24 + number; the booked visit has it as `appointment.visit_plan_id`, so that none
# is booked twice. Rows without a place have a reason (clinic/change/core/outcomes.py). Triggers keep them
visit_plan = Table(
    "visit_plan",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=False),
    Column("operation_id", Integer, nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("occurrence", Integer, nullable=False),  # from 1: which of the recurring visits
    Column("provider_id", Integer),
    Column("facility_id", Integer),
    Column("starts_at", UtcDateTime),
    Column("ends_at", UtcDateTime),
    Column("looks_back_to", UtcDateTime),  # a visit that began earlier is over when this begins
    Column("minutes", Integer, nullable=False),
    Column("visit_type", String(80), nullable=False),
    Column("told", Text),  # the visit in words: what is reviewed, approved and audited
    Column("reason", String(24)),
)
Index("ix_visit_plan_patient_id", visit_plan.c.operation_id, visit_plan.c.patient_id)
