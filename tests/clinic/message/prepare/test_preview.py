"""A preview is deleted whole, on both databases, and nothing else ever is."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinic.cohort.list_index import list_taken
from clinic.message import states
from clinic.message.outcomes.report import list_campaigns
from clinic.message.prepare.preview import (
    add_preview_text,
    discard_left_behind,
    discard_preview,
    preview_key,
)
from clinic.message.template.catalogue import add_own_text, list_templates
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from tests.campaigns import Fate, put_campaign
from tests.fakes import FakeClock

STAGED = [Fate(state=states.PENDING), Fate("phone_missing")]


def put_preview(record: Record, clock: FakeClock, key: str) -> None:
    """A preview as it is when somebody looks at it."""
    made = put_campaign(record, clock, STAGED, state="checking", request_key=key, dry_run=True)
    add_preview_text(record, clock, "Come.", key=key, by="nia", purpose="care")
    with record.write() as connection:
        connection.execute(
            sa.update(cohort_list).where(cohort_list.c.id == made).values(request_key=key)
        )


def shown(record: Record) -> tuple[int, int, int]:
    return (
        len(list_campaigns(record)), len(list_taken(record)), len(list_templates(record, own=True)),
    )  # fmt: skip


def test_a_preview_is_on_no_list_and_is_deleted_whole(record: Record, clock: FakeClock) -> None:
    """ACX-31: a look leaves nothing behind; the same text kept in earnest stays."""
    add_own_text(record, clock, "Come.", by="nia", purpose="care")
    put_campaign(record, clock, STAGED)
    before, key = shown(record), preview_key()
    put_preview(record, clock, key)
    assert shown(record) == (before[0], before[1], before[2] + 1), (
        "its campaign's, not its own text"
    )
    for _ in range(2):
        discard_preview(record, key)
    assert shown(record)[:2] == before[:2]


def test_what_a_dead_process_left_is_deleted_once_nobody_can_be_looking_at_it(
    record: Record, clock: FakeClock
) -> None:
    put_preview(record, clock, preview_key())
    for hours, left in ((1, 1), (6, 0)):
        clock.sleep(hours * 3600)
        discard_left_behind(record, clock.now())
        with record.read() as connection:
            assert connection.scalar(sa.select(sa.func.count()).select_from(cohort_list)) == left


def test_what_is_no_preview_cannot_be_deleted(sqlite_record: Record, clock: FakeClock) -> None:
    put_campaign(sqlite_record, clock, STAGED, request_key="campaign-1")
    with pytest.raises(ValueError, match="only a preview"):
        discard_preview(sqlite_record, "campaign-1")
    discard_left_behind(sqlite_record, clock.now() + timedelta(days=365))
    assert len(list_campaigns(sqlite_record)) == 1
