"""Imports from the sources of the settings: what each one gave, what the checks said, what came of it."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from clinic.record.schema.base import METADATA
from clinic.record.types import BigKey, UtcDateTime

# A row a source and kind, each time. state: begun, imported, stopped (by a check), failed (nothing came, or
# what came cannot be read). as_of: when the newest of it was written; counts, facts, checks: JSON, of counts,
# codes and our own sentences. accepted_*: a named person says that what stopped it may be imported; used_by:
# the run that was let through by it
sync_run = Table(
    "sync_run",
    METADATA,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("source", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("as_of", UtcDateTime),
    Column("origin", Text),
    Column("sha256", String(64)),
    Column("rows", Integer),
    Column("counts", Text),
    Column("facts", Text),
    Column("checks", Text),
    Column("code", String(60)),
    Column("says", Text),
    Column("accepted_by", String(80)),
    Column("accepted_at", UtcDateTime),
    Column("reason", Text),
    Column("used_by", BigKey),
    # By what changes alone are asked for (clinic/sources/since.py). whole: all that the source has; asked: the
    # digest of how it was asked; since: changes alone, from then on; pending: rows of patients whom the record
    # did not have; patients_to: a digest of whom it had, by their ids; again_at: when a row that lay ahead
    # says something else
    Column("whole", Boolean),
    Column("asked", String(64)),
    Column("since", UtcDateTime),
    Column("pending", Integer),
    Column("patients_to", BigInteger),
    Column("again_at", UtcDateTime),
)
Index("ix_sync_run_source", sync_run.c.source, sync_run.c.kind, sync_run.c.id)
