"""The parts of a process: made at first use, once, and given back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from clinic.errors import NotSetUp, SettingsWrong
from clinic.gateway.outbox import Outbox
from clinic.gateway.rehearsal import RehearsalGateway
from clinic.message.campaign.campaign import get_campaign
from tasks.wiring import use, wiring
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


@pytest.fixture(autouse=True)
def _no_parts_left() -> Iterator[None]:
    use(None)
    yield
    use(None)


@pytest.fixture
def environment(
    sqlite_record_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """As an administrator sets it."""
    monkeypatch.setenv("COHORT_HOME", str(tmp_path))
    monkeypatch.setenv("COHORT_RECORD_URL", sqlite_record_url)
    monkeypatch.setenv("COHORT_CONFIG", os.devnull)
    monkeypatch.setenv("COHORT_LEASE_SECONDS", "90")
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_the_parts_are_made_from_the_settings_once() -> None:
    parts = wiring()
    assert wiring() is parts
    assert parts.ledger().lease == timedelta(seconds=90)
    parts.close()


@pytest.mark.usefixtures("environment")
def test_a_way_out_is_made_once_and_shared() -> None:
    parts = wiring()
    first = parts.gateway("sms", dry_run=False)
    assert parts.gateway("sms", dry_run=False) is first
    assert isinstance(first, Outbox)
    assert isinstance(parts.gateway("sms", dry_run=True), RehearsalGateway)
    parts.close()
    assert parts.gateways == {}


@pytest.mark.usefixtures("environment")
def test_a_campaign_leaves_by_the_way_it_was_made_for(clock: FakeClock) -> None:
    """NEW-13: a dry run never gets the real gateway, whoever sends it."""
    parts = wiring()
    add_patients(parts.record, 1)
    real = add_campaign(parts.record, clock, 1, gateway="outbox")
    rehearsal = add_campaign(parts.record, clock, 1, dry_run=True)
    assert isinstance(parts.gateways_of(real)[0], Outbox)
    assert isinstance(parts.gateways_of(rehearsal)[0], RehearsalGateway)
    parts.close()


@pytest.mark.usefixtures("environment")
def test_a_campaign_whose_gateway_was_taken_away_is_paused_and_goes_nowhere_else(
    clock: FakeClock,
) -> None:
    """Issue 18: what one gateway may have taken is never sent by another one by itself."""
    parts = wiring()
    add_patients(parts.record, 1)
    number = add_campaign(parts.record, clock, 1, gateway="notify")
    for _ in range(2):
        with pytest.raises(SettingsWrong, match="gateway-gone"):
            parts.gateways_of(number)
    with parts.record.read() as connection:
        job = get_campaign(connection, number)
    assert (job.state, job.state_reason) == ("paused", "gateway-gone")
    parts.close()


def test_a_campaign_of_several_gateways_has_those_that_are_there_the_first_choice_first(
    environment: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    """NEW-19: its own alone, and none that its channel has come to name since."""
    for name in ("a", "b", "c"):
        own = {
            "TYPE": "smpp",
            "HOST": f"{name}.example",
            "SYSTEM_ID": "one",
            "PASSWORD": "p",
            "SENDER": "P",
        }
        for setting, value in own.items():
            environment.setenv(f"COHORT_GATEWAYS__{name.upper()}__{setting}", value)
    environment.setenv("COHORT_CHANNELS__SMS__GATEWAYS", '["a", "c"]')
    environment.setenv("COHORT_CHANNELS__SMS__FAILOVER", "order")
    environment.setenv("COHORT_GATEWAYS__C__BATCH_LIMIT", "7")
    parts = wiring()
    add_patients(parts.record, 1)
    number = add_campaign(parts.record, clock, 1, gateway="b", gateways="b a gone_one")
    assert [one.name for one in parts.gateways_of(number)] == ["b", "a"]
    first = parts.gateway("sms", dry_run=False)
    assert first.name == "a"
    assert parts.batch_limit("sms", first) == 7
    assert parts.batch_limit("sms", parts.gateway("sms", dry_run=True)) > 7
    parts.close()


def test_a_record_that_was_never_made_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("COHORT_RECORD_URL", f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(NotSetUp, match="cohort init"):
        wiring()


def test_settings_that_make_no_sense_are_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("COHORT_BATCH_SIZE", "1001")
    with pytest.raises(SettingsWrong, match="batch_size"):
        wiring()


@pytest.mark.usefixtures("environment")
def test_a_test_or_harness_may_hand_in_its_own() -> None:
    """What is handed in is worked with, in place of what was made."""
    own = wiring()
    use(None)
    made = wiring()
    assert made is not own
    use(own)
    assert wiring() is own
    for parts in (own, made):
        parts.close()
