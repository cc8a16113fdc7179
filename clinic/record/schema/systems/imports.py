"""
Imports, and by what each can be put back (clinic/imports/undo).

    import_run 1 ── n import_added    ids of rows that it added, as ranges
    import_run 1 ── n import_change   a value before and after, a row and field each
    patient_digest                    which row of a source a patient was as last: it is passed over unread

table_name: of the record. of `group_member`, row_id is the patient and field the group's id.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

import_run = Table(
    "import_run",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("source", String(40), nullable=False),
    Column("sha256", String(64), nullable=False),  # of the file
    Column("rows", Integer, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("began_by", String(80), nullable=False),
    Column("ended_at", UtcDateTime),  # empty: killed, or still at work
    Column("counts", Text),  # JSON: outcome → rows
    Column("undone_at", UtcDateTime),
    Column("undone_by", String(80)),
    # When the first of its values went, their time being over: it cannot be put back any more
    Column("values_gone_at", UtcDateTime),
    # What it did and cannot be taken back row by row: marks of safe contact, needs
    Column("more", Boolean, nullable=False, server_default=text("false")),
)

import_added = Table(
    "import_added",
    METADATA,
    Column("import_id", ForeignKey("import_run.id"), nullable=False),
    Column("table_name", String(20), nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    PrimaryKeyConstraint("import_id", "table_name", "first_id"),
    sqlite_with_rowid=False,
)

import_change = Table(
    "import_change",
    METADATA,
    Column("import_id", ForeignKey("import_run.id"), nullable=False),
    Column("table_name", String(20), nullable=False),
    Column("row_id", BigInteger, nullable=False),
    Column("field", String(40), nullable=False),
    Column("patient_id", BigInteger),  # of a facility or provider: none
    Column("old", Text),
    Column("new", Text),
    PrimaryKeyConstraint("import_id", "table_name", "row_id", "field"),
    sqlite_with_rowid=False,
)
Index("ix_import_change_patient_id", import_change.c.patient_id)

patient_digest = Table(
    "patient_digest",
    METADATA,
    Column("patient_id", BigKey, ForeignKey("patient.id"), nullable=False),
    Column("source", String(40), nullable=False),
    Column("digest", BigInteger, nullable=False),
    Column(
        "version", Integer, nullable=False
    ),  # of the patient then: another one, and it is read again
    PrimaryKeyConstraint("patient_id", "source"),
)
Index("ix_patient_digest_digest", patient_digest.c.digest)
