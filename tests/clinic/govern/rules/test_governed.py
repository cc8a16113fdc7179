"""What one person alone may not change is in the record, and changed there by two."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, NotFound, SettingsWrong
from clinic.govern.approval_rows import existing
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import Operator
from clinic.govern.rules.governed import GOVERNED, in_force, take_first_values, value_of
from clinic.govern.rules.setting_changes import apply_change, ask_change
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.settings import Halt, Hours, Operations, Organisation, Release, Settings
from clinic.settings.section import settings_in
from tests.fakes import FakeClock

FIRST = Settings(
    release=Release(approval_above=20),
    organisation=Organisation(campaign_cap=500),
    hours=Hours(text={"mon": ("08:00-12:00",)}),
)
# What a requester might write into their own environment
OWN = Settings(
    release=Release(approval_above=100_000),
    organisation=Organisation(campaign_cap=900_000, name="Another name"),
    operations=Operations(cap=7),
    hours=Hours(text={"sun": ("00:00-24:00",)}),
    halt=Halt(failures=1),
)

People = dict[str, Operator]


@pytest.fixture
def installed(governed: Record, clock: FakeClock) -> Record:
    take_first_values(governed, clock, FIRST, by="installer")
    return governed


def request(record: Record, clock: FakeClock, by: Operator | None, name: str, value: Any) -> int:
    now = in_force(record, FIRST).settings
    number = ask_change(record, clock, now, name=name, value=value, by=by, reason="second site")
    assert number is not None
    return number


def approve(record: Record, clock: FakeClock, number: int, by: Operator) -> str:
    decide(record, clock, number, operator=by, decision="approved", note="")
    with record.read() as connection:
        asked = existing(connection, number)
    return apply_change(record, clock, asked)


def test_every_governed_setting_is_a_setting() -> None:
    assert set(GOVERNED) <= {name for name, _ in settings_in(Settings)}
    assert len(set(GOVERNED)) == len(GOVERNED)


def test_the_requester_s_own_environment_does_not_count_and_that_is_told(installed: Record) -> None:
    found = in_force(installed, OWN)
    assert {name: value_of(found.settings, name) for name in GOVERNED} == {
        name: value_of(FIRST, name) for name in GOVERNED
    }
    assert found.settings.organisation.name == "Another name"  # nobody's safety depends on it
    assert set(found.ignored) == {
        "release.approval_above",
        "organisation.campaign_cap",
        "operations.cap",
        "hours.text",
        "halt.failures",
    }


def test_first_values_are_taken_once_and_are_on_the_trail(
    installed: Record, clock: FakeClock
) -> None:
    take_first_values(installed, clock, OWN, by="somebody")
    assert in_force(installed, OWN).settings.release.approval_above == 20
    with installed.read() as connection:
        acts = connection.execute(sa.select(audit_act.c.operator, audit_act.c.operation_type)).all()
    assert [tuple(act) for act in acts] == [("installer", "setting.first")]


def test_a_record_that_was_not_set_up_governs_nothing(governed: Record) -> None:
    assert in_force(governed, OWN).settings == OWN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("release.approval_above", None),
        ("operations.cap", 3),
        ("hours.text", {"tue": ["09:00-10:00"]}),
        ("halt.failures", 0.5),
        ("hours.closed", ["2026-12-24"]),
    ],
)  # fmt: skip
def test_another_person_s_approval_puts_a_change_in_force_once(
    installed: Record, clock: FakeClock, people: People, name: str, value: Any
) -> None:
    number = request(installed, clock, people["ann"], name, value)
    assert value_of(in_force(installed, FIRST).settings, name) == value_of(FIRST, name)
    assert approve(installed, clock, number, people["mia"]) == name
    assert value_of(in_force(installed, OWN).settings, name) == value
    with installed.read() as connection:
        asked = existing(connection, number)
    with pytest.raises(NotAllowed, match="approval-used"):
        apply_change(installed, clock, asked)
    assert verify(installed, None).holds


@pytest.mark.parametrize(
    ("asks", "approves"), [("mia", "mia"), ("ann", "ann"), ("ann", "tim"), ("ann", "root")]
)
def test_nobody_changes_one_alone(
    installed: Record, clock: FakeClock, people: People, asks: str, approves: str
) -> None:
    number = request(installed, clock, people[asks], "release.approval_above", 9_999)
    with pytest.raises(NotAllowed):
        approve(installed, clock, number, people[approves])
    with installed.read() as connection:
        asked = existing(connection, number)
    with pytest.raises(NotAllowed, match="approval-waiting"):
        apply_change(installed, clock, asked)
    assert in_force(installed, FIRST).settings.release.approval_above == 20


@pytest.mark.usefixtures("people")
def test_who_is_not_proven_asks_for_nothing(installed: Record, clock: FakeClock) -> None:
    with pytest.raises(NotAllowed, match="request-not-allowed"):
        request(installed, clock, None, "operations.cap", 5)


def test_where_nobody_works_yet_it_is_changed_at_once(installed: Record, clock: FakeClock) -> None:
    changed = ask_change(
        installed, clock, FIRST, name="operations.cap", value=5, by=None, reason="begin small"
    )
    assert changed is None
    assert in_force(installed, OWN).settings.operations.cap == 5


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("operations.cap", 0, "greater than or equal to 1"),
        ("hours.text", {"mon": ["18:00-08:00"]}, "a window ends"),
        ("organisation.time_zone", "Europe/Lodon", "Europe/London"),
        ("release.approval_above", 20, "already"),
    ],
)
def test_a_value_that_makes_no_sense_is_not_asked_for(
    installed: Record, clock: FakeClock, people: People, name: str, value: Any, says: str
) -> None:
    with pytest.raises(SettingsWrong, match=says):
        request(installed, clock, people["ann"], name, value)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE governed_setting SET value = '90000' WHERE name = 'release.approval_above'",
        "UPDATE governed_setting SET approved_by = 'mia' WHERE name = 'operations.cap'",
        "DELETE FROM governed_setting WHERE name = 'hours.text'",
    ],
)
def test_an_edit_behind_the_program_s_back_is_found(installed: Record, edit: str) -> None:
    assert verify(installed, None).holds
    with installed.write() as connection:
        connection.exec_driver_sql(edit)
    assert not verify(installed, None).holds


@pytest.mark.parametrize("name", ["release.aproval_above", "sms.url", "approval_above"])
def test_what_the_record_does_not_govern_is_named(
    installed: Record, clock: FakeClock, people: People, name: str
) -> None:
    with pytest.raises(NotFound, match="the nearest is"):
        request(installed, clock, people["ann"], name, 1)
