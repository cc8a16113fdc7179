"""Who works here, what was approved, the audit trail, and what keeps the program running."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from clinic.personal_data.held import TableHeld
from clinic.personal_data.kinds import Kind, Purpose, Retention, Rows, Section
from clinic.personal_data.reach import ByKey, ByWords, Through
from clinic.record.schema.change import operation_item, selection_row
from clinic.record.schema.govern import (
    access_log,
    access_patient,
    approval,
    audit_act,
    audit_block,
    audit_row_seal,
    clinician,
    desk_session,
    destruction,
    legal_hold,
    operator,
    operator_facilities,
    operator_identity,
    operator_mfa,
    operator_use,
    redaction,
    restriction,
    sign_in,
)
from clinic.record.schema.health import health_finding
from clinic.record.schema.messages import installation, recipient
from clinic.record.schema.receipts import contact_hold, reply
from clinic.record.schema.safety import safe_contact
from clinic.record.schema.settings import governed_setting
from clinic.record.schema.systems.sync import sync_run

_STAFF: Final = (
    "of staff, whom the controller tells as their employer; a patient's file names who acted"
)
_SEAL: Final = "keys, marks and digests that prove the trail: nothing that can be read"

# Alembic's own table, which is in no METADATA of ours
ALEMBIC: Final = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)

GOVERN: Final = (
    TableHeld(
        table=operator,
        about="a person who works here",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "name role active created_by",
            Kind.SECRET: "secret_hash",
            Kind.WORK: "wrong_tries locked_until created_at",
        },
    ),
    TableHeld(
        table=clinician,
        about="who of them is a registered clinician",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "operator registration active added_by",
            Kind.WORK: "added_at",
        },
    ),
    TableHeld(
        table=operator_facilities,
        about="whose patients each of them works with, where it is not all",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "operator set_by",
            Kind.PRACTICE: "codes",
            Kind.WORK: "set_at",
        },
    ),
    TableHeld(
        table=operator_use,
        about="when each of them was last here",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={Kind.STAFF: "operator signed_in_at used_at"},
    ),
    TableHeld(
        table=operator_mfa,
        about="whose sign-in takes a code besides the password",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "operator set_by",
            Kind.SECRET: "nonce",
            Kind.WORK: "active set_at last_step",
        },
    ),
    TableHeld(
        table=sign_in,
        about="who gave their password within the hour",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={Kind.STAFF: "operator account", Kind.SECRET: "mark", Kind.WORK: "ends_at"},
    ),
    TableHeld(
        table=desk_session,
        about="who is signed in at the desk, from which browser",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "id operator browser",
            Kind.SECRET: "digest mark",
            Kind.WORK: "began_at seen_at ends_at",
        },
    ),
    TableHeld(
        table=operator_identity,
        about="who somebody is at the OpenID provider that they sign in with",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "subject operator",
            Kind.SECRET: "mark",
            Kind.WORK: "issuer linked_at",
        },
    ),
    TableHeld(
        table=approval,
        about="what was asked of a second approver, and what they decided",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=Section.DECISIONS,
        rows=Rows.KEEP,
        routes=(ByWords("reason"), ByWords("note")),
        columns={
            Kind.WORDS: "reason note",
            Kind.PRACTICE: "kind",
            Kind.EVENT: "requested_at decided_at state",
            Kind.STAFF: "requested_by decided_by",
            Kind.KEY: "id subject subject_id flow_run_id",
            Kind.WORK: "digest expires_at summary used_at",
        },
        third="reason note",
    ),
    TableHeld(
        table=redaction,
        about="that a patient's values were erased: requester, approver, why, and how many rows",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.STUBS,
        section="of whom nothing is left to be shown: a keyed digest says who",
        rows=Rows.KEEP,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.STAFF: "asked_by approved_by",
            Kind.WORDS: "ground",
            Kind.EVENT: "kind begun_at ended_at counts what removes_before",
            Kind.KEY: "id patient_id operation_id who approval_id said",
        },
    ),
    TableHeld(
        table=restriction,
        about="that a patient's data are kept and not used: requester, approver, why, until when",
        purpose=Purpose.CHOICES,
        retention=Retention.STUBS,
        section=Section.DECISIONS,
        rows=Rows.KEEP,
        routes=(ByKey("patient_id"),),
        columns={
            Kind.STAFF: "asked_by approved_by lifted_by lift_approved_by",
            Kind.WORDS: "ground lift_ground",
            Kind.EVENT: "set_at lifted_at",
            Kind.KEY: "id patient_id",
        },
        third="ground lift_ground",
    ),
    TableHeld(
        table=audit_block,
        about="a block of the audit trail: digests, and ranges of our keys",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=_SEAL,
        rows=Rows.NONE,
        columns={
            Kind.KEY: "first_patient last_patient",
            Kind.WORK: "stream number holds operation_id chunk count root marks previous hash key_id sealed_at",
        },
    ),
    TableHeld(
        table=audit_act,
        about="an act of the audit trail: who did what, with counts, codes and keys",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=Section.DECISIONS,
        rows=Rows.KEEP,
        routes=(
            ByKey("subject_id", only=("subject", "patient")),
            Through(safe_contact, "subject_id", "id", only=("subject", "safe-contact")),
            Through(reply, "subject_id", "id", only=("subject", "reply")),
            Through(contact_hold, "subject_id", "id", only=("subject", "hold")),
            ByWords("reason"),
        ),
        columns={
            Kind.EVENT: "timestamp operation_type outcome old_values new_values",
            Kind.STAFF: "operator approver",
            Kind.WORDS: "reason",
            Kind.KEY: "stream number subject subject_id",
            Kind.WORK: "patients_affected",
        },
        third="reason",
    ),
    TableHeld(
        table=audit_row_seal,
        about="keys and marks of rows that an act wrote",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=_SEAL,
        rows=Rows.NONE,
        columns={Kind.KEY: "keys", Kind.WORK: "stream number table_name marks"},
    ),
    TableHeld(
        table=access_log,
        about="who looked at which patients, by which command and why",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=Section.ACCESS,
        rows=Rows.KEEP,
        routes=(
            Through(access_patient, "id", "access_id"),
            Through(recipient, "subject_id", "campaign_id", only=("subject", "campaign")),
            Through(operation_item, "subject_id", "operation_id", only=("subject", "operation")),
            Through(selection_row, "subject_id", "selection_id", only=("subject", "selection")),
        ),
        columns={
            Kind.EVENT: "at command subject sent_from sent_before reason refused",
            Kind.STAFF: "person role proven host account",
            Kind.WORDS: "words",
            Kind.KEY: "id subject_id",
            Kind.WORK: "patients",
        },
    ),
    TableHeld(
        table=access_patient,
        about="a patient of such a look, by key",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=Section.ACCESS,
        rows=Rows.KEEP,
        routes=(ByKey("patient_id"),),
        columns={Kind.KEY: "access_id patient_id"},
    ),
    TableHeld(
        table=governed_setting,
        about="a setting that one person alone may not change",
        purpose=Purpose.SECURITY,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.PRACTICE: "name value",
            Kind.STAFF: "set_by approved_by",
            Kind.WORK: "set_at approval_id",
        },
    ),
    TableHeld(
        table=installation,
        about="this installation's name, and whether its sending is stopped",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section=_STAFF,
        rows=Rows.NONE,
        columns={
            Kind.STAFF: "stopped_by",
            Kind.WORK: "id install_id epoch created_at stopped_code stopped_at cluster backup_at"
            " backup_checked_at watched_at",
        },
    ),
    TableHeld(
        table=legal_hold,
        about="a legal hold: of whom or what nothing goes, why, and who placed it",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.TRAIL,
        section=Section.DECISIONS,
        rows=Rows.KEEP,
        routes=(ByKey("subject_id", only=("subject", "patient")),),
        columns={
            Kind.KEY: "id subject subject_id",
            Kind.WORDS: "reason",
            Kind.STAFF: "placed_by lifted_by",
            Kind.EVENT: "placed_at lifted_at",
        },
        third="reason",
    ),
    TableHeld(
        table=destruction,
        about="a stub of what went when its time was over: how much, its digest, on whose authority",
        purpose=Purpose.ACCOUNTABILITY,
        retention=Retention.STUBS,
        section="of lists, messages and files as a whole: nothing of one person",
        rows=Rows.NONE,
        columns={Kind.WORK: "id what subject subject_id count sha256 authority gone_at"},
    ),
    TableHeld(
        table=sync_run,
        about="imports from the sources: counts, what the checks said, who accepted it",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={
            Kind.WORK: "id source kind state begun_at ended_at as_of origin sha256 rows counts facts checks"
            " code says accepted_at reason used_by whole asked since pending patients_to again_at",
            Kind.STAFF: "accepted_by",
        },
    ),
    TableHeld(
        table=health_finding,
        about="what `cohort health` found and has not ended",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={Kind.WORK: "code since told mailed_at"},
    ),
    TableHeld(
        table=ALEMBIC,
        about="the version of the record",
        purpose=Purpose.RUNNING,
        retention=Retention.INSTALLATION,
        section="nothing of one person",
        rows=Rows.NONE,
        columns={Kind.WORK: "version_num"},
    ),
)
