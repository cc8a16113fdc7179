"""The day's overview: counts that an analyst asks for, the newest campaign first, and nobody's list by name."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from clinic.message import states
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.show.over_time import KEPT as OUTBOX_LINE
from tasks.show.over_time import over_time
from tasks.show.today import today_page
from tests.campaigns import Fate, put_campaign, put_patient
from tests.fakes import FakeClock
from tests.main_job import nhs


def test_it_counts_what_was_sent_delivered_failed_and_waits(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Issue 17: a row a campaign of today; what ended before is not of today, what still runs is."""
    for key in range(1, 5):
        put_patient(sqlite_record, key, nhs_number=nhs(key), local_id=f"E{key}")
    old = [Fate(state=states.DELIVERED, patient_id=1)]
    put_campaign(sqlite_record, clock, old, finished_at=clock.now())
    put_campaign(
        sqlite_record, clock, [Fate(state=states.PENDING, patient_id=2)],
        state=states.PAUSED, state_reason="run-cancelled",
    )  # fmt: skip
    clock.sleep(timedelta(days=1).total_seconds())
    fates = [states.ACCEPTED, states.DELIVERED, states.UNDELIVERED, states.UNKNOWN]
    put_campaign(
        sqlite_record, clock,
        [Fate(state=state, patient_id=key) for key, state in enumerate(fates, 1)],
        state=states.RECONCILING,
    )  # fmt: skip
    page = today_page(sqlite_record, Settings(home=tmp_path), clock.now())

    assert "**3** sent, of these **1** delivered; **1** failed, **1** unknown, **1** wait" in page
    rows = [line for line in page.splitlines() if line.startswith("| [")]
    assert rows[0] == "| [3](/runs?tag=campaign-3) sms | Error | 3 | 1 | 1 | 1 | 0 |"
    assert rows[1] == "| [2](/runs?tag=campaign-2) sms | paused | 0 | 0 | 0 | 0 | 1 |"
    assert "- Campaign 2: run-cancelled: Its run was cancelled in the Prefect UI." in page
    assert len(rows) == 2
    assert "Flu 2026" not in page


def test_what_is_kept_in_the_outbox_is_not_called_sent(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """A trial: nobody was sent anything, and every place says so."""
    put_patient(sqlite_record, 1, nhs_number=nhs(1), local_id="E1")
    fates = [Fate(state=states.ACCEPTED, patient_id=1)]
    put_campaign(sqlite_record, clock, fates, gateway=states.OUTBOX)
    page = today_page(sqlite_record, Settings(home=tmp_path), clock.now())
    assert "**0** sent" in page
    assert "In the outbox, not sent: 1." in page
    assert "| OK, kept in the outbox, not sent | 0 |" in page
    with sqlite_record.read() as connection:
        assert set(over_time(connection, 1).lines) <= {OUTBOX_LINE}


def test_a_day_without_campaigns_says_so(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    page = today_page(sqlite_record, Settings(home=tmp_path), clock.now())
    assert "No campaign today." in page
