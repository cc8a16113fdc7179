"""
Campaigns that are recalls, and what a person must do for whoever was not reached.

    recall       one a campaign: the day by which patients should have answered, and who looks after it
    recall_task  one a row of its list that was not reached, or from which nothing came by that day

    coverage_asked  one a campaign that was asked, as it was made, who is eligible and not on its list
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from clinic.record.schema.base import METADATA
from clinic.record.types import UtcDateTime

# codes: SNOMED CT codes with spaces between, each of which is an answer once it is on the record;
# judged_at: when its day had come and whoever had not answered was listed; empty: not yet
recall = Table(
    "recall",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True, autoincrement=False),
    Column("recall_by", Date, nullable=False),
    Column("owner", String(80), nullable=False),
    Column("codes", Text),
    Column("judged_at", UtcDateTime),
)

# code: why (clinic/cohort/outcomes.py); news: what came since, for whoever closes it
recall_task = Table(
    "recall_task",
    METADATA,
    Column("campaign_id", ForeignKey("recall.campaign_id"), primary_key=True, autoincrement=False),
    Column("row_number", Integer, primary_key=True, autoincrement=False),
    Column("patient_id", BigInteger),  # empty: nobody knows whom the row means
    Column("code", String(30), nullable=False),
    Column("owner", String(80), nullable=False),
    Column("due_on", Date, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("news", String(20)),
    Column("news_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("done_by", String(80)),
)
Index(
    "ix_recall_task_open",
    recall_task.c.due_on,
    sqlite_where=text("done_at IS NULL"),
    postgresql_where=text("done_at IS NULL"),
)

# covers: what was asked, "group:flu-65" …, and first: ids of some of the missing; both JSON
coverage_asked = Table(
    "coverage_asked",
    METADATA,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True, autoincrement=False),
    Column("covers", Text, nullable=False),
    Column("eligible", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("first", Text, nullable=False),
)
