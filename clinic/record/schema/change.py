"""
Operations on the record: whom they concern, what each will change, has changed, and how to undo it.

    selection 1 ── n selection_row     one an input row, with its outcome
    operation 1 ── n operation_item    one a patient, field and subject: the before-image and the plan
    operation 1 ── n operation_chunk   a range of patient ids: the unit that is applied, or not at all
    field_edit                         who else changed such a field since: written by triggers
    follow_up                          what people must still do after it (ALC-23)

An item of an applied chunk whose outcome is `will_change` *has been* changed: no second write says so. It
is the audit's item too, sealed where it stands (clinic/govern/audit/rows.py).
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# The outcome of an item that is to be changed, and was if its chunk is applied (all:
# clinic/change/core/outcomes.py)
WILL_CHANGE: Final = "will_change"

# source: filter, file, ids, pick, rerun
selection = Table(
    "selection",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("source", String(10), nullable=False),
    Column("criteria", Text),  # JSON: what a filter asked for, in codes
    Column("sha256", String(64), nullable=False),  # over the patients' ids in ascending order
    Column("rows", Integer, nullable=False),
    Column("selected", Integer, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("taken_by", String(80), nullable=False),
)

# outcome: selected, duplicate, patient_not_found, id_missing (clinic/change/core/outcomes.py)
selection_row = Table(
    "selection_row",
    METADATA,
    Column("selection_id", ForeignKey("selection.id"), nullable=False),
    Column("row_number", Integer, nullable=False),
    Column("given", Text),  # the id as it was typed; empty where the record itself was asked
    Column("patient_id", BigInteger),
    Column("outcome", String(20), nullable=False),
    PrimaryKeyConstraint("selection_id", "row_number"),
    sqlite_with_rowid=False,
)

Index("ix_selection_row_patient_id", selection_row.c.selection_id, selection_row.c.patient_id)

# States: clinic/change/core/states.py. The counts are of patients
operation = Table(
    "operation",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column(
        "request_key", String(80), nullable=False, unique=True
    ),  # the same request twice is one operation
    Column("kind", String(20), nullable=False),
    Column("parameters", Text, nullable=False),  # JSON object of codes and settings
    Column("selection_id", ForeignKey("selection.id"), nullable=False),
    Column("undo_of", ForeignKey("operation.id")),
    Column("rerun_of", ForeignKey("operation.id")),
    Column("depth", Integer, nullable=False),  # 0; an undo of depth n has n + 1: odd ones take back
    Column("requested_by", String(80), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),  # ALC-33: the business justification
    Column("state", String(20), nullable=False),
    Column("state_reason", Text),
    Column("digest", String(64)),  # of all that is reviewed; what an approval is bound to
    Column("approval_id", Integer),
    Column("selected", Integer, nullable=False, server_default="0"),
    Column("will_change", Integer, nullable=False, server_default="0"),
    Column("planned_at", UtcDateTime),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
)
Index("ix_operation_undo_of", operation.c.undo_of)

# subject_id: the tag or the visit that the field belongs to; 0 for the patient's own fields
operation_item = Table(
    "operation_item",
    METADATA,
    Column("operation_id", Integer, nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("field", String(20), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("outcome", String(24), nullable=False),  # clinic/change/core/outcomes.py
    Column("detail", String(40)),  # an operation's number or a code: never a patient's value
    Column("old", Text),
    Column("new", Text),
    Column("version_before", Integer, nullable=False),  # of the patient, or of the visit
    PrimaryKeyConstraint("operation_id", "patient_id", "field", "subject_id"),
    sqlite_with_rowid=False,
)
Index("ix_operation_item_patient_id", operation_item.c.patient_id)  # what touched it since?

operation_chunk = Table(
    "operation_chunk",
    METADATA,
    Column("operation_id", ForeignKey("operation.id"), nullable=False),
    Column("number", Integer, nullable=False),  # from 1
    Column("first_patient", BigInteger, nullable=False),
    Column("last_patient", BigInteger, nullable=False),
    Column("size", Integer, nullable=False),  # patients that will change
    Column("state", String(10), nullable=False),  # planned, applied
    Column("applied", Integer, nullable=False, server_default="0"),
    Column("conflicts", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("edits_seen", BigInteger, nullable=False, server_default="0"),  # later edits are above
    Column("applied_at", UtcDateTime),
    Column("root", LargeBinary),  # the seal of its items as they were approved: SHA-256, and a mark
    Column("marks", LargeBinary),  # a row (clinic/govern/audit/chain.py)
    PrimaryKeyConstraint("operation_id", "number"),
    CheckConstraint("state IN ('planned', 'applied')", name="state_known"),
)

# On SQLite, its one row says which operation is writing in this transaction: its own changes are
# no edits of others. (PostgreSQL has transaction-local settings for that.)
operation_writing = Table(
    "operation_writing",
    METADATA,
    Column("operation_id", Integer, primary_key=True, autoincrement=False),
)

# Any change by anybody else of a field that operations change, for patients that an operation names: whose and
# which, and no value
field_edit = Table(
    "field_edit",
    METADATA,
    Column("id", BigKey, primary_key=True),
    Column("patient_id", BigInteger, nullable=False),
    Column("field", String(20), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("edited_at", UtcDateTime, nullable=False),
)
Index("ix_field_edit_patient_id", field_edit.c.patient_id, field_edit.c.field)

# code: what is to be done (clinic/change/review/follow_up.py); subject: the facility or provider concerned
follow_up = Table(
    "follow_up",
    METADATA,
    Column("operation_id", ForeignKey("operation.id"), nullable=False),
    Column("code", String(30), nullable=False),
    Column("subject", String(40), nullable=False, server_default=""),
    Column("count", Integer, nullable=False),
    Column("done_at", UtcDateTime),
    Column("done_by", String(80)),
    PrimaryKeyConstraint("operation_id", "code", "subject"),
)
