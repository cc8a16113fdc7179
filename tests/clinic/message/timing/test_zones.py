"""NEW-4: whoever belongs to a facility in another time zone is messaged in the same hours in that time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from clinic.errors import SettingsWrong
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.manifest import manifest_of
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import Ledger
from clinic.message.timing.estimate import estimate
from clinic.message.timing.timing import Timing, timing_of
from clinic.message.timing.zones import is_awake
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import facility, patient
from clinic.settings import Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), ("09:00-17:00",))
ZONES = {"NYC": "America/New_York", "TYO": "Asia/Tokyo"}
# Patient 1 has no facility, 2 one that names no zone; 3 and 4 are abroad
HOMES = {1: "Europe/London", 2: "Europe/London", 3: "America/New_York", 4: "Asia/Tokyo"}


def settings_with(**organisation: object) -> Settings:
    return Settings(
        organisation={"facility_zones": ZONES} | organisation,  # type: ignore[arg-type]
        hours={"text": WEEK},  # type: ignore[arg-type]
    )


@pytest.fixture
def abroad(record: Record) -> Record:
    """Four patients, at home and at facilities in New York and Tokyo."""
    add_patients(record, 4)
    with record.write() as connection:
        for key, code in enumerate(("LDN", "NYC", "TYO"), start=2):
            connection.execute(sa.insert(facility).values(id=key, code=code, name=code))
            connection.execute(
                sa.update(patient).where(patient.c.id == key).values(facility_id=key)
            )
    return record


def ledger_at(record: Record, clock: FakeClock, folder: Path, timing: Timing) -> Ledger:
    return make_ledger(record, clock, folder, timing=timing)


def is_day(zone: str, at: datetime) -> bool:
    """The oracle: between nine and five, Monday to Friday, by that clock."""
    local = at.astimezone(ZoneInfo(zone))
    return local.weekday() < 5 and 9 <= local.hour < 17


def test_at_every_hour_those_are_awake_whose_own_clock_says_so(
    abroad: Record, clock: FakeClock
) -> None:
    """NEW-4: over the week in which New York's clocks change and London's do not."""
    add_campaign(abroad, clock, 4)
    timing = timing_of(settings_with())
    begin = datetime(2026, 3, 5, tzinfo=UTC)
    with abroad.read() as connection:
        for at in (begin + timedelta(hours=n) for n in range(6 * 24)):
            query = sa.select(message.c.patient_id).where(is_awake(timing, "sms", at))
            awake = set(connection.scalars(query))
            assert awake == {n for n, zone in HOMES.items() if is_day(zone, at)}, at


def test_messages_leave_in_the_hours_of_their_own_patients_whoever_shares_the_batch(
    abroad: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-4: ten in London is five in New York and the evening in Tokyo; each leaves once, when it is day."""
    number = add_campaign(abroad, clock, 4)
    ledger = ledger_at(abroad, clock, tmp_path, timing_of(settings_with()))
    gateway = FakeGateway()
    left: dict[int, datetime] = {}
    for _ in range(24):
        before = set(gateway.received)
        deliver(ledger, gateway, number, 1, 1)
        left |= {
            key - message_id(number, 0): clock.now() for key in gateway.received.keys() - before
        }
        clock.sleep(3600)
    assert left == {
        1: datetime(2026, 3, 2, 10, tzinfo=UTC),
        2: datetime(2026, 3, 2, 10, tzinfo=UTC),
        3: datetime(2026, 3, 2, 14, tzinfo=UTC),
        4: datetime(2026, 3, 3, 0, tzinfo=UTC),
    }
    assert set(gateway.received.values()) == {1}
    assert message_states(abroad, number) == {"accepted": 4}


def test_the_facility_that_counts_is_that_of_the_moment_of_sending(
    abroad: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-4: whoever was transferred since lives by the new clock."""
    number = add_campaign(abroad, clock, 4)
    with abroad.write() as connection:
        connection.execute(sa.update(patient).values(facility_id=2))
    deliver(
        ledger_at(abroad, clock, tmp_path, timing_of(settings_with())), FakeGateway(), number, 1, 1
    )
    assert message_states(abroad, number) == {"accepted": 4}


def test_a_replay_waits_until_it_is_day_for_all_of_its_patients(
    abroad: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-3, NEW-4: nobody can be taken out of a request; it is asked about again when nobody sleeps."""
    number = add_campaign(abroad, clock, 4)
    ledger = ledger_at(abroad, clock, tmp_path, timing_of(settings_with()))
    clock.time = datetime(2026, 3, 2, 16, 59, tzinfo=UTC)  # day in London and New York
    gateway = FakeGateway(plan=["cut"])
    deliver(ledger, gateway, number, 1, 1, patience=timedelta())
    calls = []
    for _ in range(24):
        clock.sleep(3600)
        before = gateway.calls
        deliver(ledger, gateway, number, 1, 1, patience=timedelta())
        calls += [clock.now()] * (gateway.calls > before)
    assert calls[0] == datetime(2026, 3, 3, 14, 59, tzinfo=UTC)
    assert message_states(abroad, number) == {"accepted": 3, "pending": 1}


def test_only_what_leaves_counts_against_the_cap(
    abroad: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-8: a message that waits for the morning was no attempt yet."""
    number = add_campaign(abroad, clock, 4)
    capped = settings_with().model_copy(
        update={"contact": settings_with().contact.model_copy(update={"most": 1})}
    )
    deliver(ledger_at(abroad, clock, tmp_path, timing_of(capped)), FakeGateway(), number, 1, 1)
    with abroad.read() as connection:
        query = sa.select(message.c.attempts).order_by(message.c.id)
        assert list(connection.scalars(query)) == [1, 1, 0, 0]


def test_the_review_says_when_the_last_of_them_has_it(abroad: Record, clock: FakeClock) -> None:
    """NEW-4: an honest end: Tokyo's morning comes last."""
    number = add_campaign(abroad, clock, 4)
    said = estimate(abroad, number, timing_of(settings_with()), clock.now())
    assert said.starts == clock.now()
    assert said.ends is not None
    assert said.ends >= datetime(2026, 3, 3, 0, tzinfo=UTC)


def test_a_rehearsal_is_free_of_every_clock(
    abroad: Record, clock: FakeClock, tmp_path: Path
) -> None:
    number = add_campaign(abroad, clock, 4, dry_run=True)
    deliver(
        ledger_at(abroad, clock, tmp_path, timing_of(settings_with())), FakeGateway(), number, 1, 1
    )
    assert message_states(abroad, number) == {states.ACCEPTED: 4}


def test_an_approval_is_void_when_a_facility_gets_another_clock(
    abroad: Record, clock: FakeClock
) -> None:
    """NEW-1: when they leave is part of what was approved."""
    number = add_campaign(abroad, clock, 4)
    with abroad.read() as connection:
        job = get_campaign(connection, number)
        digests = {
            manifest_of(connection, job, settings_with(facility_zones=zones))
            for zones in ({}, ZONES, {"NYC": "America/Chicago"})
        }
    assert len(digests) == 3


def test_a_zone_that_is_not_there_is_told() -> None:
    past = settings_with().organisation.model_copy(
        update={"facility_zones": {"NYC": "Europe/Nowhere"}}
    )  # past the check of the settings
    with pytest.raises(SettingsWrong, match="facility_zones: there is no zone 'Europe/Nowhere'"):
        timing_of(Settings(organisation=past))
