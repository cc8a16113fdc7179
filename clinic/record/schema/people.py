"""Patients and what belongs to them: facilities, providers, appointments, groups, tags, consents."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# By which patients of one number or address are found however it was typed: the last digits of a number,
# without the signs that people write between them. A migration has made an index of each, which serves only
# what is written to the letter as it is (Alembic cannot compare them, so that they are no part of METADATA)
TAIL_DIGITS: Final = 8
_DIGITS = "mobile"
for _sign in (" ", "-", "(", ")", ".", "/", "\u00a0"):
    _DIGITS = f"replace({_DIGITS}, '{_sign}', '')"
MOBILE_TAIL: Final = f"substr({_DIGITS}, length({_DIGITS}) - {TAIL_DIGITS - 1})"
EMAIL_PLAIN: Final = "lower(trim(email))"

facility = Table(
    "facility",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code", String(40), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("phone", String(40)),
    Column("email", String(320)),
    Column(
        "default_provider_id", Integer
    ),  # a provider; no foreign key, since providers point here
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

provider = Table(
    "provider",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code", String(40), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("email", String(320)),
    Column("speciality", String(80)),
    Column("facility_id", ForeignKey("facility.id")),
    Column("capacity", Integer),  # patients; empty: no limit
    Column("active", Boolean, nullable=False, server_default=text("true")),
)

# `status` holds a code of the organisation's list (settings): active, on_hold, discharged, …
patient = Table(
    "patient",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("nhs_number", String(10), unique=True),  # ten ASCII digits, no spaces
    Column("local_id", String(40), unique=True),  # the EMIS number, or the practice's own id
    Column("title", String(35)),
    Column("given_name", Text, nullable=False, server_default=""),
    Column("family_name", Text, nullable=False, server_default=""),
    Column("birth_date", Date),
    Column("death_date", Date),
    Column("sex", String(10)),
    Column("address", Text),
    Column("postcode", String(10)),
    Column("mobile", String(40)),  # as the practice typed it; judged by clinic.values.phone
    # When it was last recorded or confirmed; empty: not known (clinic/message/sharing/unconfirmed.py)
    Column("mobile_confirmed_on", Date),
    Column("email", String(320)),
    Column("status", String(40), nullable=False, server_default="active"),
    Column("facility_id", ForeignKey("facility.id")),
    Column("provider_id", ForeignKey("provider.id")),
    Column("preferred_channel", String(10)),  # sms, email, voice, none; empty: no preference
    Column("fictitious", Boolean, nullable=False, server_default=text("false")),
    Column("registered_on", Date),
    Column("deregistered_on", Date),
    Column("insurance_plan", String(80)),
    # Goes up by one at every write by anyone: who read an old one, writes nothing
    Column("version", Integer, nullable=False, server_default="1"),
)
Index("ix_patient_facility_id", patient.c.facility_id)
Index("ix_patient_provider_id", patient.c.provider_id)
Index("ix_patient_mobile", patient.c.mobile)

# status: booked, arrived, started, finished, cancelled, no_show (FHIR: booked, arrived, …)
appointment = Table(
    "appointment",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("provider_id", ForeignKey("provider.id")),
    Column("facility_id", ForeignKey("facility.id")),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("minutes", Integer, nullable=False, server_default="15"),
    Column("visit_type", String(80), nullable=False, server_default="visit"),
    Column("mode", String(20)),  # in_person, telephone, video
    Column("place", Text),
    Column("session_type", String(80)),
    Column("booking_requirement", String(80)),
    Column("status", String(20), nullable=False, server_default="booked"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("visit_plan_id", BigInteger),  # of the operation that booked it (schema/visits.py)
)
Index("uq_appointment_visit_plan_id", appointment.c.visit_plan_id, unique=True)
Index("ix_appointment_patient_id", appointment.c.patient_id, appointment.c.starts_at)
Index("ix_appointment_starts_at", appointment.c.starts_at)
Index("ix_appointment_provider_id", appointment.c.provider_id, appointment.c.starts_at)

# By what id a source knows an appointment. A slot that is given to another patient keeps its id: then it has
# two rows here, of which one appointment is cancelled
appointment_source = Table(
    "appointment_source",
    METADATA,
    Column("source", String(40), nullable=False),
    Column("key", String(120), nullable=False),
    Column("appointment_id", ForeignKey("appointment.id"), nullable=False),
    # Of the row that was last imported, and the versions of appointment and patient, added up, as it left them:
    # the same row again changes nothing as long as neither was written since (clinic/imports/known_rows.py)
    Column("digest", BigInteger),
    Column("versions", BigInteger),
    PrimaryKeyConstraint("source", "key", "appointment_id"),
)
Index(
    "uq_appointment_source_appointment_id",
    appointment_source.c.appointment_id,
    appointment_source.c.source,
    unique=True,
)

patient_group = Table(
    "patient_group",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code", String(40), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

group_member = Table(
    "group_member",
    METADATA,
    Column("group_id", ForeignKey("patient_group.id"), nullable=False),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    PrimaryKeyConstraint("group_id", "patient_id"),
)

tag = Table(
    "tag",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("code", String(60), nullable=False, unique=True),
    Column("name", Text, nullable=False),
)

patient_tag = Table(
    "patient_tag",
    METADATA,
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("tag_id", ForeignKey("tag.id"), nullable=False),
    PrimaryKeyConstraint("patient_id", "tag_id"),
)

# One row a decision; for a patient, channel and purpose the latest wins (formats.md, SMS consent codes).
# channel "any" and purpose "any" speak of all; decision: opt_out or opt_in
# Imports take decisions out again: no id comes a second time, so that each is known by its id whose it is
consent = Table(
    "consent",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("purpose", String(40), nullable=False, server_default="any"),
    Column("decision", String(10), nullable=False),
    Column("decided_at", UtcDateTime, nullable=False),
    Column("source", String(40), nullable=False),  # staff, telephone, reply, by_link, code, import
    Column("code", String(20)),  # the SNOMED CT or Read code it was read from
    Column("taken_by", String(80)),  # which operator was told it
    Column("mapped_from", String(40)),  # its purpose while purposes were free text
    CheckConstraint("decision IN ('opt_out', 'opt_in')", name="decision_known"),
    sqlite_autoincrement=True,
)
Index("ix_consent_patient_id", consent.c.patient_id)

# What a clinical item says of its message, by the message's state; COM-9: exactly one of Pending, Sent
# Successfully, Send Failed. Of what was not tried there is no item
ITEM_STATUS: Final = {
    "accepted": "pending",
    "unknown": "pending",
    "delivered": "sent",
    "undelivered": "failed",
    "rejected": "failed",
}

# Written once for each message (COM-7), which has its address and text: triggers refuse the removal of both,
# and any change of what was said (COM-10).
# status: pending, sent, failed, shown as Pending, Sent Successfully, Send Failed (COM-9); kept: in the outbox
clinical_item = Table(
    "clinical_item",
    METADATA,
    Column("id", BigKey, primary_key=True),  # the message's own id: a second save finds it taken
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("channel", String(10), nullable=False),
    Column("snomed_codes", Text),  # space-separated
    Column("status", String(10), nullable=False),
    Column("error_code", String(60)),
    Column("error_text", Text),
    Column("sent_at", UtcDateTime),
    Column("status_at", UtcDateTime, nullable=False),
    CheckConstraint("status IN ('pending', 'sent', 'failed', 'kept')", name="status_known"),
)
Index("ix_clinical_item_patient_id", clinical_item.c.patient_id)
Index("ix_clinical_item_campaign_id", clinical_item.c.campaign_id)

__all__ = [
    "appointment",
    "appointment_source",
    "clinical_item",
    "consent",
    "facility",
    "group_member",
    "patient",
    "patient_group",
    "patient_tag",
    "provider",
    "tag",
]
