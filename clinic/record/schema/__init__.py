"""
Every table of the record, one module a subject, all in one `METADATA`.

A table is added here and in a migration of its own (`clinic/record/migrations/versions/`);
a test compares the two on both databases.
"""

from clinic.record.schema import (
    campaigns,
    change,
    clinical,
    govern,
    health,
    lists,
    messages,
    outbox,
    people,
    recall,
    receipts,
    safety,
    settings,
    visits,
)
from clinic.record.schema.base import METADATA
from clinic.record.schema.door import links
from clinic.record.schema.systems import imports, mesh, outside_record, sync

__all__ = [
    "METADATA",
    "campaigns",
    "change",
    "clinical",
    "govern",
    "health",
    "imports",
    "links",
    "lists",
    "mesh",
    "messages",
    "outbox",
    "outside_record",
    "people",
    "recall",
    "receipts",
    "safety",
    "settings",
    "sync",
    "visits",
]
