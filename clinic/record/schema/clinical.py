"""
What is clinically known of a patient, what they need of a message, and the files of exports.

    diagnosis      FHIR Condition            code, system, text, onset, ended, status
    medication     FHIR MedicationStatement  code, system, text, dosage, started, ended, status
    allergy        FHIR AllergyIntolerance   code, system, text, onset, status, criticality
    patient_need   one a patient: language, formats, place of stay, who is written to in their place
    export_file    one an export operation: what was exported, by its name and SHA-256

`system` is the code system's URI, as in FHIR; `text` is what the practice calls it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# status: active, recurrence, relapse, inactive, remission, resolved (FHIR condition-clinical)
diagnosis = Table(
    "diagnosis",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("code", String(20)),
    Column("system", String(80)),
    Column("text", Text, nullable=False),
    Column("onset", Date),
    Column("ended", Date),
    Column("status", String(20), nullable=False),
)
Index("ix_diagnosis_patient_id", diagnosis.c.patient_id)

# status: active, completed, stopped, on-hold (FHIR medication-statement-status)
medication = Table(
    "medication",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("code", String(20)),
    Column("system", String(80)),
    Column("text", Text, nullable=False),
    Column("dosage", Text),
    Column("started", Date),
    Column("ended", Date),
    Column("status", String(20), nullable=False),
)
Index("ix_medication_patient_id", medication.c.patient_id)

# status: active, inactive, resolved; criticality: low, high, unable-to-assess (FHIR)
allergy = Table(
    "allergy",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("code", String(20)),
    Column("system", String(80)),
    Column("text", Text, nullable=False),
    Column("onset", Date),
    Column("status", String(20), nullable=False),
    Column("criticality", String(20)),
)
Index("ix_allergy_patient_id", allergy.c.patient_id)

# Written in one transaction with the audit act of the export: a file without its row is not whole
export_file = Table(
    "export_file",
    METADATA,
    Column("operation_id", ForeignKey("operation.id"), primary_key=True, autoincrement=False),
    Column("name", String(40), nullable=False),  # in the home's `exports`
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("written_at", UtcDateTime, nullable=False),
)

# Words: clinic/message/needs/words.py. interpreter: empty where nobody said; proxy_consent: the proxy is
# written to in the patient's place, with consent or by law
patient_need = Table(
    "patient_need",
    METADATA,
    Column(
        "patient_id", BigInteger, ForeignKey("patient.id"), primary_key=True, autoincrement=False
    ),
    Column("language", String(20)),
    Column("interpreter", Boolean),
    Column("formats", Text),  # with a space between two
    Column("stay", String(20)),
    Column("proxy_role", String(40)),
    Column("proxy_name", Text),
    Column("proxy_mobile", String(40)),
    Column("proxy_email", String(320)),
    Column("proxy_consent", Boolean, nullable=False, server_default=text("false")),
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
)
