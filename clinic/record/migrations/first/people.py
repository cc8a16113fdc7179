"""Facilities, providers, patients and what belongs to them."""

import sqlalchemy as sa
from alembic import op

from clinic.record.types import BigKey, UtcDateTime


def create() -> None:
    """All of them, empty."""
    _facility()
    _provider()
    _patient()
    _appointment()
    _patient_group()
    _group_member()
    _tag()
    _patient_tag()
    _consent()
    _diagnosis()
    _medication()
    _allergy()


def _facility() -> None:
    op.create_table(
        "facility",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("default_provider_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_facility_code")),
    )


def _provider() -> None:
    op.create_table(
        "provider",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("speciality", sa.String(length=80), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_provider_facility_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("code", name=op.f("uq_provider_code")),
    )


def _patient() -> None:
    op.create_table(
        "patient",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("nhs_number", sa.String(length=10), nullable=True),
        sa.Column("local_id", sa.String(length=40), nullable=True),
        sa.Column("title", sa.String(length=35), nullable=True),
        sa.Column("given_name", sa.Text(), server_default="", nullable=False),
        sa.Column("family_name", sa.Text(), server_default="", nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("death_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(length=10), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("postcode", sa.String(length=10), nullable=True),
        sa.Column("mobile", sa.String(length=40), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("status", sa.String(length=40), server_default="active", nullable=False),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("preferred_channel", sa.String(length=10), nullable=True),
        sa.Column("fictitious", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("deregistered_on", sa.Date(), nullable=True),
        sa.Column("insurance_plan", sa.String(length=80), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_patient_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_patient_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
        sa.UniqueConstraint("local_id", name=op.f("uq_patient_local_id")),
        sa.UniqueConstraint("nhs_number", name=op.f("uq_patient_nhs_number")),
    )
    op.create_index("ix_patient_facility_id", "patient", ["facility_id"], unique=False)
    op.create_index("ix_patient_mobile", "patient", ["mobile"], unique=False)
    op.create_index("ix_patient_provider_id", "patient", ["provider_id"], unique=False)


def _appointment() -> None:
    op.create_table(
        "appointment",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("provider_id", sa.Integer(), nullable=True),
        sa.Column("facility_id", sa.Integer(), nullable=True),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("minutes", sa.Integer(), server_default="15", nullable=False),
        sa.Column("visit_type", sa.String(length=80), server_default="visit", nullable=False),
        sa.Column("mode", sa.String(length=20), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("session_type", sa.String(length=80), nullable=True),
        sa.Column("booking_requirement", sa.String(length=80), nullable=True),
        sa.Column("status", sa.String(length=20), server_default="booked", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("visit_plan_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["facility_id"], ["facility.id"], name=op.f("fk_appointment_facility_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_appointment_patient_id")
        ),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider.id"], name=op.f("fk_appointment_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    op.create_index(
        "ix_appointment_patient_id", "appointment", ["patient_id", "starts_at"], unique=False
    )
    op.create_index(
        "ix_appointment_provider_id", "appointment", ["provider_id", "starts_at"], unique=False
    )
    op.create_index("ix_appointment_starts_at", "appointment", ["starts_at"], unique=False)
    op.create_index("uq_appointment_visit_plan_id", "appointment", ["visit_plan_id"], unique=True)


def _patient_group() -> None:
    op.create_table(
        "patient_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_group")),
        sa.UniqueConstraint("code", name=op.f("uq_patient_group_code")),
    )


def _group_member() -> None:
    op.create_table(
        "group_member",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["patient_group.id"], name=op.f("fk_group_member_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_group_member_patient_id")
        ),
        sa.PrimaryKeyConstraint("group_id", "patient_id", name=op.f("pk_group_member")),
    )


def _tag() -> None:
    op.create_table(
        "tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("code", name=op.f("uq_tag_code")),
    )


def _patient_tag() -> None:
    op.create_table(
        "patient_tag",
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_patient_tag_patient_id")
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_patient_tag_tag_id")),
        sa.PrimaryKeyConstraint("patient_id", "tag_id", name=op.f("pk_patient_tag")),
    )


def _consent() -> None:
    op.create_table(
        "consent",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("purpose", sa.String(length=40), server_default="any", nullable=False),
        sa.Column("decision", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "decision IN ('opt_out', 'opt_in')", name=op.f("ck_consent_decision_known")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index("ix_consent_patient_id", "consent", ["patient_id"], unique=False)


def _diagnosis() -> None:
    op.create_table(
        "diagnosis",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.Column("system", sa.String(length=80), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("onset", sa.Date(), nullable=True),
        sa.Column("ended", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_diagnosis_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_diagnosis")),
    )
    op.create_index("ix_diagnosis_patient_id", "diagnosis", ["patient_id"], unique=False)


def _medication() -> None:
    op.create_table(
        "medication",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.Column("system", sa.String(length=80), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("dosage", sa.Text(), nullable=True),
        sa.Column("started", sa.Date(), nullable=True),
        sa.Column("ended", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["patient.id"], name=op.f("fk_medication_patient_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medication")),
    )
    op.create_index("ix_medication_patient_id", "medication", ["patient_id"], unique=False)


def _allergy() -> None:
    op.create_table(
        "allergy",
        sa.Column("id", BigKey, nullable=False),
        sa.Column("patient_id", BigKey, nullable=False),
        sa.Column("code", sa.String(length=20), nullable=True),
        sa.Column("system", sa.String(length=80), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("onset", sa.Date(), nullable=True),
        sa.Column("criticality", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_allergy_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allergy")),
    )
    op.create_index("ix_allergy_patient_id", "allergy", ["patient_id"], unique=False)
