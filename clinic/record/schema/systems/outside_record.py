"""
What is to be saved to the clinical record outside, and what was.

    outside_item      one a thing that is saved there: a message, a decision of a patient, an act of the trail
    outside_batch     batches of which nothing can change any more and all is in outside_item
    outside_patient   by which id the other side knows a patient
    outside_push      what operations on the record changed of patients there
    outside_side      whether the other side answers, and who talks to it at this moment

kind and item_id say what it is: message 16777218, consent 12; of an act its number, with its stream. state:
waiting (to be created, or its status changed), saved, refused (the other side said no: a person looks).
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

outside_item = Table(
    "outside_item",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),  # message, consent, act
    Column("item_id", BigInteger, nullable=False),
    Column("stream", String(40), nullable=False, server_default=""),
    Column("patient_id", BigInteger),
    Column("state", String(10), nullable=False, server_default="waiting"),
    Column("wanted", String(10), nullable=False),  # the status that it is to have there
    Column("has", String(10)),  # the one that it has there for certain; empty: not known, or none
    Column("remote_id", String(64)),  # empty: it is not known to be there
    Column("version", String(64)),  # the other side's, as it told it last
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime),
    Column("problem", String(40)),  # a code of docs/outside-record.md
    Column("problem_says", String(200)),  # no words of the other side but codes and paths
    Column("changed_at", UtcDateTime, nullable=False),
    UniqueConstraint("kind", "item_id", "stream"),
    CheckConstraint("state IN ('waiting', 'saved', 'refused')", name="state_known"),
)
Index(
    "ix_outside_item_open",
    outside_item.c.state,
    outside_item.c.id,
    sqlite_where=text("state <> 'saved'"),
    postgresql_where=text("state <> 'saved'"),
)

outside_batch = Table(
    "outside_batch",
    METADATA,
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
)

outside_patient = Table(
    "outside_patient",
    METADATA,
    Column("patient_id", ForeignKey("patient.id"), primary_key=True, autoincrement=False),
    Column("remote_id", String(64), nullable=False),
    Column("found_at", UtcDateTime, nullable=False),
)

# state: pushing (asked, no answer yet), pushed, done (changed here too), put-back (not changed here after all),
# differs (the same, and it could not be put back: a person looks)
outside_push = Table(
    "outside_push",
    METADATA,
    Column("operation_id", ForeignKey("operation.id"), nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("remote_id", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("operation_id", "patient_id"),
    CheckConstraint(
        "state IN ('pushing', 'pushed', 'done', 'put-back', 'differs')", name="state_known"
    ),
)
Index(
    "ix_outside_push_open",
    outside_push.c.operation_id,
    sqlite_where=text("state <> 'done'"),
    postgresql_where=text("state <> 'done'"),
)

# not_before: after no answer, or a busy one. lease_until: who talks to it now may do so until then
outside_side = Table(
    "outside_side",
    METADATA,
    Column("name", String(10), primary_key=True),
    Column("owner", String(40)),
    Column("lease_until", UtcDateTime),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("not_before", UtcDateTime),
    Column("trouble", String(200)),
    Column("trouble_since", UtcDateTime),
)
