"""The picture of a campaign over time: rises to what the record counts, drawn by any browser."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from clinic.clock import Clock
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.messages import message
from tasks.show.over_time import OverTime, as_markdown, draw, over_time
from tests.campaigns import Fate, put_campaign, put_patient
from tests.main_job import nhs

BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def test_each_line_rises_to_what_the_record_counts(record: Record, clock: Clock) -> None:
    """Sent within a minute, delivered and refused in the next; on both databases."""
    for key in range(1, 7):
        put_patient(record, key, nhs_number=nhs(key), local_id=f"E{key}")
    fates = [states.ACCEPTED, *[states.DELIVERED] * 3, states.UNDELIVERED, states.REJECTED]
    number = put_campaign(
        record, clock, [Fate(state=state, patient_id=key) for key, state in enumerate(fates, 1)]
    )
    told = ~message.c.state.in_([states.ACCEPTED])
    with record.write() as connection:
        connection.execute(sa.update(message).values(sent_at=BEGAN))
        connection.execute(
            sa.update(message).where(told).values(status_at=BEGAN + timedelta(seconds=90))
        )
        seen = over_time(connection, number)
    minute = BEGAN + timedelta(minutes=1)
    assert seen.lines == {
        "sent": [(BEGAN, 5)], "delivered": [(minute, 3)], "failed": [(minute, 2)],
    }  # fmt: skip


@pytest.mark.parametrize("minutes", [1, 60, 5_000])
def test_the_picture_is_well_formed_small_and_names_its_totals(minutes: int) -> None:
    """However long a campaign took; the hours are the practice's own."""
    points = [(BEGAN + timedelta(minutes=n), 10 * (n + 1)) for n in range(minutes)]
    svg = draw(OverTime({"sent": points, "delivered": points[:1]}), ZoneInfo("Europe/London"))
    words = [each.text for each in ElementTree.fromstring(svg).iter() if each.text]
    assert f"sent {10 * minutes:,}" in words
    assert "delivered 10" in words
    assert len(svg) < 6_000
    shown = as_markdown(OverTime({"sent": points}), "Europe/London")
    data = shown.partition("base64,")[2].removesuffix(")")
    assert base64.b64decode(data).startswith(b"<svg ")


def test_nothing_is_drawn_of_what_has_not_happened() -> None:
    assert as_markdown(OverTime(), "Europe/London") == ""
