"""Looks that somebody should ask about, and the weekly word of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from clinic.govern.access.log import Looker, note_look
from clinic.govern.access.look import Look, at_all, at_patient
from clinic.govern.access.odd import ODD, SUBJECT, counted, odd_looks
from clinic.govern.access.weekly import unread_odd_looks
from clinic.govern.audit.trail import Act, record_act
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.settings import Access, Settings
from tests.clinic.change.practice import staff
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture
def practice(record: Record, clock: FakeClock) -> Record:
    """1 is Ann Lee, who may work here; 2 is a Lee, 3 lives with Ann, 4 to 40 are others."""
    staff(record)
    add_patients(record, 40)
    home = {"address": "1 High Street", "postcode": "AB1 2CD"}
    people: dict[int, dict[str, Any]] = {
        1: {"given_name": "Ann Mary", "family_name": "Lee", **home},
        2: {"given_name": "Bob", "family_name": "LEE"},
        3: {"family_name": "Hay", "address": "1, high street", "postcode": "AB12CD"},
    }
    with record.write() as connection:
        for key, values in people.items():
            connection.execute(sa.update(patient).where(patient.c.id == key).values(values))
    add_campaign(record, clock, 4)
    return record


def look(
    record: Record, clock: FakeClock, person: str, at: Look, refused: str | None = None
) -> None:
    note_look(record, clock, Looker(person, "patient", proven=True), at, refused=refused)


def odd(record: Record, clock: FakeClock, **limits: Any) -> list[tuple[str, str]]:
    with record.read() as connection:
        found = odd_looks(
            connection, Access(**limits), LONDON, since=clock.now() - timedelta(days=9),
            until=clock.now() + timedelta(days=1),
        )  # fmt: skip
    assert {one.why for one in found} <= set(ODD)
    return [(one.person, one.why) for one in found]


@pytest.mark.parametrize(
    ("person", "key", "why"),
    [
        ("ann.lee", 1, ["own-record"]),
        ("ann.lee", 2, ["own-name"]),
        ("ann.lee", 3, ["own-address"]),
        ("ann.lee", 4, []),
        ("lee", 2, ["own-name"]),
        ("lee", 3, []),  # nobody knows who that is
        ("mia", 2, []),
    ],
)
def test_a_look_at_ones_own_is_odd(
    practice: Record, clock: FakeClock, person: str, key: int, why: list[str]
) -> None:
    """NEW-37: surname, record and address, as far as a login says a name."""
    look(practice, clock, person, at_patient(key))
    assert odd(practice, clock) == [(person, each) for each in why]


def test_many_patients_in_an_hour_are_odd_once(practice: Record, clock: FakeClock) -> None:
    for key in range(4, 11):
        look(practice, clock, "mia", at_patient(key))
        clock.sleep(60)
    look(practice, clock, "ann", at_patient(9))
    assert odd(practice, clock, patients_an_hour=3) == [("mia", "many-patients")]
    assert odd(practice, clock, patients_an_hour=6) == [("mia", "many-patients")]
    assert odd(practice, clock, patients_an_hour=7) == []


@pytest.mark.parametrize(
    ("at", "is_odd"),
    [
        (datetime(2026, 3, 2, 6, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 7, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 7, 15, 0, tzinfo=UTC), True),  # a Saturday
        (datetime(2026, 3, 8, 10, 0, tzinfo=UTC), True),  # a Sunday
        (datetime(2026, 6, 1, 6, 30, tzinfo=UTC), False),  # 07:30 in summer
    ],
)
def test_a_look_out_of_hours_is_odd(
    practice: Record, clock: FakeClock, at: datetime, is_odd: bool
) -> None:
    clock.time = at
    look(practice, clock, "mia", at_patient(9))
    assert odd(practice, clock) == ([("mia", "out-of-hours")] if is_odd else [])
    assert odd(practice, clock, hours={}) == []


def test_a_look_at_a_campaign_of_others_is_odd(practice: Record, clock: FakeClock) -> None:
    """NEW-37: who asked for it, or did something to it, is at work."""
    with practice.write() as connection:
        act = Act(
            operator="ann", operation_type="campaign.paused", subject="campaign", subject_id=1
        )
        record_act(connection, clock, act)
    for person in ("tests", "ann", "mia"):
        look(practice, clock, person, at_all("campaign", 1, 4))
    assert odd(practice, clock) == [("mia", "no-work")]


def test_a_refused_look_is_odd(practice: Record, clock: FakeClock) -> None:
    look(practice, clock, "eve", at_patient(1), refused="right-missing")
    assert odd(practice, clock) == [("eve", "refused")]


def test_the_week_before_is_told_until_somebody_has_read_of_it(
    practice: Record, clock: FakeClock
) -> None:
    """NEW-37: by person and kind, without a patient, from Monday on."""
    settings = Settings()
    for key in (1, 2, 2):
        look(practice, clock, "ann.lee", at_patient(key))

    def told() -> str:
        with practice.read() as connection:
            return unread_odd_looks(connection, settings, clock.now())

    assert told() == ""  # this week's
    clock.time = MONDAY + timedelta(days=7)
    assert told() == "ann.lee: 2 own-name, 1 own-record"
    look(practice, clock, "tom", Look(SUBJECT), refused="audit-role")
    assert told()
    look(practice, clock, "mia", Look(SUBJECT))
    assert told() == ""
    clock.time += timedelta(days=7)
    assert told() == "tom: 1 refused"
    assert counted([]) == ""
