"""NEW-5: a campaign whose text tells of the next visit does not tell of one that is not so any more."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.message.campaign.begin import begin_campaign
from clinic.message.prepare.preview import discard_preview, preview_key
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment, facility
from clinic.record.schema.receipts import told_visit
from tests.fakes import FakeClock
from tests.main_job import Practice

TELLS = "Bring your tablets on {{ appointment.when }} to {{ appointment.place }}."
ASKS = "Bring your tablets on {{ appointment.when }}."
OTHERS = "Your tablets are due."


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Three patients; the first two have visits in three and in nine days."""
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    with record.write() as connection:
        connection.execute(
            sa.insert(facility), [{"id": n, "code": f"F{n}", "name": f"F{n}"} for n in (1, 2)]
        )
        connection.execute(
            sa.insert(appointment),
            [
                {"id": 10 * n + days, "patient_id": n, "starts_at": clock.now() + timedelta(days=days),
                 "place": "Room 4", "facility_id": 1}
                for n in (1, 2) for days in (9, 3)
            ],
        )  # fmt: skip
    return practice


def sent(practice: Practice, body: str, change: dict[str, Any], which: int = 13) -> list[Any]:
    """Stage a campaign, change a visit, and send; state and reason of each patient's message."""
    practice.template(body, key="tablets")
    number = practice.begin(practice.everybody(3), template="tablets")
    practice.check(number)
    batches = practice.stage(number)
    with practice.record.write() as connection:
        if change:
            connection.execute(
                sa.update(appointment).where(appointment.c.id == which).values(**change)
            )
    practice.send(number, batches)
    with practice.record.read() as connection:
        query = sa.select(message.c.patient_id, message.c.state, message.c.reason)
        return [tuple(row) for row in connection.execute(query.order_by(message.c.id))]


@pytest.mark.parametrize(
    ("body", "change", "which", "held"),
    [
        (TELLS, {}, 13, False),
        (TELLS, {"status": "cancelled"}, 13, True),
        (TELLS, {"status": "arrived"}, 13, True),
        (TELLS, {"starts_at": timedelta(days=4)}, 13, True),
        (TELLS, {"starts_at": timedelta(minutes=-1)}, 13, True),
        (TELLS, {"place": "Room 5"}, 13, True),
        (TELLS, {"place": None}, 13, True),
        (TELLS, {"patient_id": 3}, 13, True),
        (TELLS, {"facility_id": 2}, 13, False),  # the text does not say it
        (ASKS, {"place": "Room 5"}, 13, False),
        (ASKS, {"starts_at": timedelta(days=3, minutes=5)}, 13, True),
        (TELLS, {"status": "cancelled"}, 19, False),  # another visit of theirs
        (OTHERS, {"status": "cancelled"}, 13, False),
    ],
)
def test_a_visit_that_changed_after_the_review_is_not_told(
    practice: Practice, clock: FakeClock, body: str, change: dict[str, Any], which: int, held: bool
) -> None:
    if isinstance(later := change.get("starts_at"), timedelta):
        change = {"starts_at": clock.now() + later}
    found = sent(practice, body, change, which)
    first = (1, "suppressed", "appointment_changed") if held else (1, "accepted", None)
    assert found[:2] == [first, (2, "accepted", None)]


def test_a_preview_leaves_no_visit_behind(practice: Practice) -> None:
    practice.template(TELLS, key="tablets")
    key = preview_key()
    request = practice.request(
        practice.everybody(2), template="tablets", request_key=None, dry_run=True
    )
    number = begin_campaign(
        practice.record, practice.clock, practice.settings, request, request_key=key, gateway="fake",
        batch_limit=1000,
    )  # fmt: skip
    practice.check(number)
    practice.stage(number)
    assert practice.count(told_visit) == 2
    discard_preview(practice.record, key)
    assert practice.count(told_visit) == 0
