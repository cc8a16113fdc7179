"""
Who may decide, what was decided, and the audit trail.

    operator                       a person who works here: role, and a slow hash of their password
    clinician                      who of them is a registered clinician
    operator_facilities            which facilities' patients they work with, where it is not all
    operator_use, operator_mfa     when each was last here; whose sign-in takes a code as well
    operator_identity              who somebody is at an OpenID provider
    desk_session                   who is signed in at the desk, from which browser
    sign_in                        who gave their password within the hour, from which account
    approval                       one a request: bound to a digest of what was reviewed, used once
    audit_block 1 ── 1 audit_act   one human act or one operation (ALC-40's fields)
    audit_act   1 ── n audit_row_seal   keys and marks of the rows that the act wrote, a table each
    audit_block 1 ── n operation_item   what a chunk of an operation changed, with old and new values
    access_log  1 ── n access_patient   one look of one person, and the patients of it
    redaction                      one a decision of two people that sealed values become a stub
    restriction                    a patient whose data are kept and not used

Blocks are chained per stream ("system", "operation-7", "campaign-3"): clinic/govern/audit/chain.py.
Triggers refuse every UPDATE, DELETE and TRUNCATE of the audit tables, and of the items that they seal.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

operator = Table(
    "operator",
    METADATA,
    Column("name", String(80), primary_key=True),  # lower case: Ann and ann are one person
    Column("role", String(10), nullable=False),
    Column("secret_hash", Text, nullable=False),  # argon2id; the secret itself is nowhere
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("wrong_tries", Integer, nullable=False, server_default="0"),  # since the last right one
    Column("locked_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    CheckConstraint("name = lower(name)", name="name_lower"),
    CheckConstraint(
        "role IN ('operator', 'team_lead', 'manager', 'auditor', 'admin', 'service')",
        name="role_known",
    ),
)

# When each was last here: written once an hour at most, beside the person's own row, which is sealed
operator_use = Table(
    "operator_use",
    METADATA,
    Column("operator", String(80), primary_key=True),
    Column("signed_in_at", UtcDateTime),
    Column("used_at", UtcDateTime, nullable=False),
)

# A second step at sign-in: clinic/govern/people/second_step.py. The secret is nowhere: it is made of the
# key of the trail and `nonce`
operator_mfa = Table(
    "operator_mfa",
    METADATA,
    Column("operator", ForeignKey("operator.name"), primary_key=True),
    Column("nonce", String(64), nullable=False),
    Column("active", Boolean, nullable=False),  # false: asked for and not confirmed, or taken off
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="0"),  # of the last code taken
)

# Who of them is a registered clinician: clinic/govern/people/clinicians.py
clinician = Table(
    "clinician",
    METADATA,
    Column("operator", ForeignKey("operator.name"), primary_key=True),
    Column("registration", String(80), nullable=False),  # GMC 1234567
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", String(80), nullable=False),
)

# Whose patients each works with; who has no row, or no codes: all (clinic/govern/tied.py)
operator_facilities = Table(
    "operator_facilities",
    METADATA,
    Column("operator", ForeignKey("operator.name"), primary_key=True),
    Column("codes", Text, nullable=False),  # of facilities, with a space between them
    Column("set_at", UtcDateTime, nullable=False),
    Column("set_by", String(80), nullable=False),
)

# One a person and account of the system: clinic/govern/sessions/terminal.py. The token itself is in the
# account's file
sign_in = Table(
    "sign_in",
    METADATA,
    Column("operator", String(80), nullable=False),
    Column("account", BigInteger, nullable=False),  # the number of the account
    Column("mark", String(64), nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("operator", "account"),
)

# Who is signed in at the desk, from which browser. digest: of the token that the browser has
desk_session = Table(
    "desk_session",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("mark", String(64), nullable=False),
    Column("operator", String(80), nullable=False, index=True),
    Column("browser", String(120), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ends_at", UtcDateTime, nullable=False),
    sqlite_autoincrement=True,
)

# Who somebody is at an OpenID provider; linked by themselves
operator_identity = Table(
    "operator_identity",
    METADATA,
    Column("issuer", String(200), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("operator", String(80), nullable=False, index=True),
    Column("mark", String(64), nullable=False),
    Column("linked_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("issuer", "subject"),
)

# state: waiting → approved → used; or rejected, void (what was reviewed changed), expired
approval = Table(
    "approval",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("subject", String(20), nullable=False),  # "operation", "campaign"
    Column("subject_id", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),  # what it is, of clinic/govern/people/roles.py
    Column("digest", String(64), nullable=False),  # SHA-256 of all that was reviewed
    Column("requested_by", String(80), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("summary", Text, nullable=False),  # JSON object: counts and codes, no patient
    Column("reason", Text, nullable=False),
    Column("flow_run_id", String(36)),
    Column("state", String(10), nullable=False),
    Column("decided_by", String(80)),
    Column("decided_at", UtcDateTime),
    Column("note", Text),
    Column("used_at", UtcDateTime),
    CheckConstraint(
        "state IN ('waiting', 'approved', 'rejected', 'used', 'void', 'expired')",
        name="state_known",
    ),
    CheckConstraint("lower(decided_by) <> lower(requested_by)", name="two_persons"),
    CheckConstraint(
        "state NOT IN ('approved', 'rejected', 'used') OR decided_by IS NOT NULL",
        name="decision_has_a_person",
    ),
)
Index("ix_approval_subject", approval.c.subject, approval.c.subject_id)
Index(
    "uq_approval_open",
    approval.c.subject,
    approval.c.subject_id,
    unique=True,
    sqlite_where=approval.c.state.in_(("waiting", "approved")),
    postgresql_where=approval.c.state.in_(("waiting", "approved")),
)

# `hash` covers every other column and the hash before it. `marks` only locates a bad row in a bad block
audit_block = Table(
    "audit_block",
    METADATA,
    Column("stream", String(40), nullable=False),
    Column("number", Integer, nullable=False),  # from 1, without gaps
    Column("holds", String(5), nullable=False),  # act, items
    Column("operation_id", BigInteger),
    Column("chunk", Integer),
    Column("count", Integer, nullable=False),
    Column("first_patient", BigInteger),  # the smallest and largest patient_id of the items
    Column("last_patient", BigInteger),
    Column("root", LargeBinary, nullable=False),  # SHA-256 of the rows it seals
    Column("marks", LargeBinary, nullable=False),  # CRC-32 of each row, little-endian, in order
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("key_id", String(16)),  # which key; empty: a plain hash, no key was set up
    Column("sealed_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("stream", "number"),
    UniqueConstraint("stream", "chunk"),
    CheckConstraint("holds IN ('act', 'items')", name="holds_known"),
)
Index("ix_audit_block_patients", audit_block.c.first_patient, audit_block.c.last_patient)

audit_act = Table(
    "audit_act",
    METADATA,
    Column("stream", String(40), nullable=False),
    Column("number", Integer, nullable=False),  # of its block
    Column("timestamp", UtcDateTime, nullable=False),
    Column("operator", String(80), nullable=False),
    Column("approver", String(80)),
    Column("operation_type", String(40), nullable=False),
    Column("patients_affected", Integer, nullable=False),
    Column("old_values", Text),  # JSON object
    Column("new_values", Text),
    Column("reason", Text),
    Column("subject", String(20), nullable=False),
    Column("subject_id", BigInteger),
    Column("outcome", String(30), nullable=False),
    PrimaryKeyConstraint("stream", "number"),
    ForeignKeyConstraint(["stream", "number"], ["audit_block.stream", "audit_block.number"]),
)
Index("ix_audit_act_subject", audit_act.c.subject, audit_act.c.subject_id)
Index("ix_audit_act_timestamp", audit_act.c.timestamp)

# Keys and marks, never a value: clinic/govern/audit/seals.py. Their digest is in the marks of the act's block
audit_row_seal = Table(
    "audit_row_seal",
    METADATA,
    Column("stream", String(40), nullable=False),
    Column("number", Integer, nullable=False),  # of the act's block
    Column("table_name", String(40), nullable=False),
    Column("keys", LargeBinary, nullable=False),  # of the rows
    Column("marks", LargeBinary, nullable=False),  # 16 bytes a row, in the order of the keys
    PrimaryKeyConstraint("stream", "number", "table_name"),
    ForeignKeyConstraint(["stream", "number"], ["audit_block.stream", "audit_block.number"]),
)

# --- the access log (NEW-37): append-only by triggers; patients stand here by key, never by a value

# A row a look, written before anything is shown. subject: patient, campaign, operation, replies …; its
# patients are those of access_patient, else the subject's own. refused: the code of why nothing was shown.
# sent_from, sent_before: of a report, which days it is of. reason: a word of clinic/govern/access/reasons.py
access_log = Table(
    "access_log",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("person", String(80), nullable=False),
    Column("role", String(20)),  # when they looked; empty: no operator's name
    Column("proven", Boolean, nullable=False),
    Column("host", String(80), nullable=False),
    Column("account", String(80), nullable=False),  # of the system
    Column("command", String(60), nullable=False),
    Column("subject", String(20), nullable=False),
    Column("subject_id", BigInteger),
    Column("sent_from", UtcDateTime),
    Column("sent_before", UtcDateTime),
    Column("patients", Integer, nullable=False),
    Column("reason", String(20), nullable=False),
    Column("words", Text),  # theirs, without names
    Column("refused", String(60)),
)
Index("ix_access_log_at", access_log.c.at)
Index("ix_access_log_subject", access_log.c.subject, access_log.c.subject_id)

# The patients of a look whose subject does not say for ever who they were. No foreign key to the patient:
# who looked is known also after they were erased
access_patient = Table(
    "access_patient",
    METADATA,
    Column("access_id", ForeignKey("access_log.id"), primary_key=True, autoincrement=False),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
)
Index("ix_access_patient_patient_id", access_patient.c.patient_id)

# --- how long: what is held back from every schedule, and the log of destruction (NEW-39)

# subject: patient, campaign, list. lifted_at: empty while it holds
legal_hold = Table(
    "legal_hold",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("subject", String(10), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),  # their words: the trail has a digest of it
    Column("placed_by", String(80), nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("lifted_by", String(80)),
    Column("lifted_at", UtcDateTime),
)

# sha256: of a list or file as it was; of rows, over their keys. authority: the setting and its value, or the
# approval. count: rows, or bytes of a file
destruction = Table(
    "destruction",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("what", String(20), nullable=False),
    Column("subject", String(20), nullable=False),
    Column("subject_id", BigInteger),
    Column("count", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("authority", String(80), nullable=False),
    Column("gone_at", UtcDateTime, nullable=False),
)
Index("ix_destruction_subject", destruction.c.subject, destruction.c.subject_id)

# What stands where a value was: of who was erased, and of what was kept as long as it may be
ERASED = "[erased]"
REMOVED = "[removed]"

# While one is open, triggers let values of its patient, or operation, become the stub, and nothing else
# (clinic/record/migrations/erasable.py).
# kind: of clinic/govern/people/roles.py. Of a patient's values, or of an operation's: one of the two is given.
# said: the line of the list of erasures, where it was decided in a record that was lost since
redaction = Table(
    "redaction",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("patient_id", BigInteger),
    Column("operation_id", Integer),
    Column("who", String(64)),  # keyed digest of the NHS number: finds the same person again
    Column("ground", Text, nullable=False),
    Column("approval_id", Integer),
    Column("asked_by", String(80), nullable=False),
    Column("approved_by", String(80), nullable=False),
    Column("said", Text),
    # Of retention: which class (clinic/retention/decided.py), and that only what is older may go
    Column("what", String(20)),
    Column("removes_before", UtcDateTime),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("counts", Text),  # JSON: how many rows of each table, how many files
    Column("ended_at", UtcDateTime),
)

# The one without an end is in force
restriction = Table(
    "restriction",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("patient_id", ForeignKey("patient.id"), nullable=False),
    Column("ground", Text, nullable=False),
    Column("asked_by", String(80), nullable=False),
    Column("approved_by", String(80), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("lifted_at", UtcDateTime),
    Column("lifted_by", String(80)),  # who asked for it
    Column("lift_approved_by", String(80)),
    Column("lift_ground", Text),
)
Index(
    "uq_restriction_in_force",
    restriction.c.patient_id,
    unique=True,
    sqlite_where=restriction.c.lifted_at.is_(None),
    postgresql_where=restriction.c.lifted_at.is_(None),
)
