"""
What each kind of export holds (ALC-24 to ALC-27): sheets, and the columns of each.

A sheet is a SELECT whose labels are its headings; the patients are added when it is read, a part of the
operation at a time, so that no sheet is ever held whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select

from clinic.record.safe_numbers import shown
from clinic.record.schema.clinical import allergy, diagnosis, medication
from clinic.record.schema.messages import message
from clinic.record.schema.people import (
    appointment,
    clinical_item,
    consent,
    facility,
    group_member,
    patient,
    patient_group,
    patient_tag,
    provider,
    tag,
)

# ALC-28
REMINDER: Final = (
    "This file holds protected health information (PHI). Keep to your organisation's policy on it (UK GDPR; "
    "in the United States HIPAA): only who needs it opens it, it is never sent by unsecured e-mail, and it is "
    "deleted when no longer needed."
)


@dataclass(frozen=True)
class Sheet:
    """One table of an export. `patient_id`: by which column of `query` its rows belong to a patient."""

    name: str
    query: Select[Any]
    patient_id: ColumnElement[int]

    @property
    def headings(self) -> list[str]:
        """In their order."""
        return [column.key or "" for column in self.query.selected_columns]

    def rows_of(self, patients: Select[tuple[int]]) -> Select[Any]:
        """The rows of these patients, in an order that is always the same."""
        return self.query.where(self.patient_id.in_(patients))


def _ids() -> list[ColumnElement[Any]]:
    """Who a row is about, in every sheet."""
    return [
        patient.c.nhs_number.label("NHS Number"),
        patient.c.local_id.label("Local ID"),
        patient.c.family_name.label("Family Name"),
        patient.c.given_name.label("Given Name"),
    ]


def _patients() -> Sheet:
    p = patient.c
    demographics = [
        p.title.label("Title"), p.birth_date.label("Date of Birth"),
        p.death_date.label("Date of Death"), p.sex.label("Sex"), p.address.label("Address"),
        p.postcode.label("Postcode"), p.mobile.label("Mobile"), p.email.label("E-mail"),
        p.status.label("Status"), facility.c.code.label("Facility"),
        facility.c.name.label("Facility Name"), provider.c.code.label("Provider"),
        provider.c.name.label("Provider Name"), p.insurance_plan.label("Insurance Plan"),
        p.preferred_channel.label("Preferred Channel"), p.registered_on.label("Registered"),
        p.deregistered_on.label("Deregistered"),
    ]  # fmt: skip
    joined = patient.outerjoin(facility, facility.c.id == p.facility_id).outerjoin(
        provider, provider.c.id == p.provider_id
    )
    return _sheet("Patients", sa.select(*_ids(), *demographics).select_from(joined), p.id)


def _of(name: str, table: sa.Table, *columns: ColumnElement[Any]) -> Sheet:
    """A sheet of rows that belong to patients."""
    joined = table.join(patient, patient.c.id == table.c.patient_id)
    return _sheet(name, sa.select(*_ids(), *columns).select_from(joined), patient.c.id, table.c.id)


def _sheet(name: str, query: Select[Any], *order: ColumnElement[Any]) -> Sheet:
    return Sheet(name, query.order_by(*order), order[0])


def _named(table: sa.Table, **headings: str) -> list[ColumnElement[Any]]:
    return [table.c[column].label(heading) for column, heading in headings.items()]


def _diagnoses() -> Sheet:
    return _of("Diagnoses", diagnosis, *_named(
        diagnosis, code="Code", system="System", text="Diagnosis", status="Status", onset="Onset",
        ended="Ended",
    ))  # fmt: skip


def _medications() -> Sheet:
    return _of("Medications", medication, *_named(
        medication, code="Code", system="System", text="Medication", dosage="Dosage",
        status="Status", started="Started", ended="Ended",
    ))  # fmt: skip


def _allergies() -> Sheet:
    return _of("Allergies", allergy, *_named(
        allergy, code="Code", system="System", text="Allergy", status="Status",
        criticality="Criticality", onset="Onset",
    ))  # fmt: skip


def _visits() -> Sheet:
    a = appointment.c
    joined = (
        appointment.join(patient, patient.c.id == a.patient_id)
        .outerjoin(provider, provider.c.id == a.provider_id)
        .outerjoin(facility, facility.c.id == a.facility_id)
    )
    columns = [
        a.starts_at.label("Date"), a.visit_type.label("Type"), provider.c.code.label("Provider"),
        provider.c.name.label("Provider Name"), facility.c.code.label("Facility"),
        a.minutes.label("Minutes"), a.mode.label("Mode"), a.status.label("Status"),
    ]  # fmt: skip
    query = sa.select(*_ids(), *columns).select_from(joined)
    return _sheet("Visits", query, patient.c.id, a.starts_at, a.id)


def _clinical_summary() -> Sheet:
    """Diagnoses, medications and allergies as one table, for a file of one table."""
    parts = [
        _clinical("1 Diagnosis", diagnosis, started="onset", ended="ended"),
        _clinical("2 Medication", medication, started="started", ended="ended", dosage="dosage"),
        _clinical("3 Allergy", allergy, started="onset", criticality="criticality"),
    ]
    all_of_it = sa.union_all(*parts).subquery()
    c = all_of_it.c
    columns = [
        sa.func.substr(c.kind, 3).label("Kind"), c.code.label("Code"), c.system.label("System"),
        c.text.label("Description"), c.status.label("Status"), c.started.label("Onset or Start"),
        c.ended.label("Ended"), c.dosage.label("Dosage"), c.criticality.label("Criticality"),
    ]  # fmt: skip
    query = sa.select(*_ids(), *columns).select_from(
        all_of_it.join(patient, patient.c.id == c.patient_id)
    )
    return _sheet("Clinical Summary", query, patient.c.id, c.kind, c.id)


# Columns of the one table that not every kind has, and what they hold
_OWN: Final = {"started": sa.Date, "ended": sa.Date, "dosage": sa.Text, "criticality": sa.String}


def _clinical(kind: str, table: sa.Table, **own: str) -> Select[Any]:
    """One kind's rows. `own`: which column of its table is which of _OWN; it has no other."""
    c = table.c
    columns = [
        (c[own[name]] if name in own else sa.cast(sa.null(), type_)).label(name)
        for name, type_ in _OWN.items()
    ]
    return sa.select(
        sa.literal(kind).label("kind"), c.id, c.patient_id, c.code, c.system, c.text, c.status,
        *columns,
    )  # fmt: skip


def _memberships() -> list[Sheet]:
    groups = group_member.join(patient_group, patient_group.c.id == group_member.c.group_id).join(
        patient, patient.c.id == group_member.c.patient_id
    )
    tags = patient_tag.join(tag, tag.c.id == patient_tag.c.tag_id).join(
        patient, patient.c.id == patient_tag.c.patient_id
    )
    return [
        _sheet("Groups", sa.select(*_ids(), *_named(patient_group, code="Group", name="Name"))
               .select_from(groups), patient.c.id, patient_group.c.id),
        _sheet("Tags", sa.select(*_ids(), *_named(tag, code="Tag", name="Name"))
               .select_from(tags), patient.c.id, tag.c.id),
    ]  # fmt: skip


def _messages() -> list[Sheet]:
    return [
        _of("Consents", consent, *_named(
            consent, channel="Channel", purpose="Purpose", decision="Decision",
            decided_at="Decided", source="Source", code="Code",
        )),
        _messages_on_record(),
    ]  # fmt: skip


def _messages_on_record() -> Sheet:
    i, m = clinical_item.c, message.c
    columns = [
        i.channel.label("Channel"), shown(m.address, i.patient_id).label("Address"),
        m.subject.label("Subject"), m.body.label("Text"),
        *_named(clinical_item, status="Status", sent_at="Sent", snomed_codes="SNOMED Codes"),
    ]  # fmt: skip
    joined = clinical_item.join(message, m.id == i.id).join(patient, patient.c.id == i.patient_id)
    query = sa.select(*_ids(), *columns).select_from(joined)
    return _sheet("Messages", query, patient.c.id, i.id)


def sheets_of(what: str) -> list[Sheet]:
    """The sheets of an export: `patients`, `clinical`, `visits` have one, `full` has all."""
    one = {"patients": _patients, "clinical": _clinical_summary, "visits": _visits}
    if what in one:
        return [one[what]()]
    clinical = [_diagnoses(), _medications(), _allergies()]
    return [_patients(), *clinical, _visits(), *_memberships(), *_messages()]
