"""A code besides the password: enrolled, asked, taken once, reset (NEW-38, RFC 6238)."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from pyotp import TOTP

from clinic.errors import NotAllowed
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import FREE_TRIES, prove
from clinic.govern.people.second_step import (
    ask_second_step,
    confirm_second_step,
    reset_second_step,
)
from clinic.record.database import Record
from clinic.record.schema.govern import operator_mfa
from tests.clinic.govern.conftest import SECRET
from tests.fakes import FakeClock

pytestmark = pytest.mark.usefixtures("people")


class Device:
    """What an authenticator app does with the address that it scanned."""

    def __init__(self, address: str) -> None:
        (self.secret,) = parse_qs(urlsplit(address).query)["secret"]

    def shows(self, clock: FakeClock, *, ahead: int = 0) -> str:
        return TOTP(self.secret).at(clock.now() + timedelta(seconds=30 * ahead))


@pytest.fixture
def device(governed: Record, clock: FakeClock) -> Device:
    """Mia's, enrolled."""
    device = Device(ask_second_step(governed, clock, "mia"))
    confirm_second_step(governed, clock, "mia", device.shows(clock))
    clock.sleep(60)
    return device


def test_who_has_enrolled_proves_themselves_by_password_and_code(
    governed: Record, clock: FakeClock, device: Device
) -> None:
    """NEW-38: neither alone; who has not enrolled by the password."""
    for code in (None, "", "000000", device.shows(clock, ahead=5), "٠٠٠٠٠٠"):
        with pytest.raises(NotAllowed, match="operator-unproven"):
            prove(governed, "mia", SECRET, clock=clock, code=code)
        clock.sleep(7200)
    with pytest.raises(NotAllowed, match="operator-unproven"):
        prove(governed, "mia", "not the password at all", clock=clock, code=device.shows(clock))
    clock.sleep(7200)
    assert prove(governed, "mia", SECRET, clock=clock, code=device.shows(clock)).name == "mia"
    assert prove(governed, "ann", SECRET, clock=clock).name == "ann"
    assert verify(governed, None).holds


def test_a_code_serves_once_and_half_a_minute_around_it(
    governed: Record, clock: FakeClock, device: Device
) -> None:
    """NEW-38: replay is refused, also of an older one; clocks may differ by half a minute."""
    before, code, later = (device.shows(clock, ahead=n) for n in (-1, 0, 1))
    prove(governed, "mia", SECRET, clock=clock, code=code)
    for again in (code, before):
        with pytest.raises(NotAllowed, match="operator-unproven"):
            prove(governed, "mia", SECRET, clock=clock, code=again)
    prove(governed, "mia", SECRET, clock=clock, code=later)


def test_wrong_codes_wait_as_wrong_passwords_do(
    governed: Record, clock: FakeClock, device: Device
) -> None:
    """NEW-38: with the right password nobody guesses codes one after the other."""
    for _ in range(FREE_TRIES + 1):
        with pytest.raises(NotAllowed):
            prove(governed, "mia", SECRET, clock=clock, code="000000")
    with pytest.raises(NotAllowed):
        prove(governed, "mia", SECRET, clock=clock, code=device.shows(clock))
    clock.sleep(61)
    assert prove(governed, "mia", SECRET, clock=clock, code=device.shows(clock)).name == "mia"


def test_what_was_begun_counts_only_once_a_code_of_it_was_given(
    governed: Record, clock: FakeClock
) -> None:
    """Nobody is locked out by a device that scanned nothing."""
    device = Device(ask_second_step(governed, clock, "mia"))
    with pytest.raises(NotAllowed, match="mfa-code"):
        confirm_second_step(governed, clock, "mia", "000000")
    assert prove(governed, "mia", SECRET, clock=clock).name == "mia"
    confirm_second_step(governed, clock, "mia", device.shows(clock))
    with pytest.raises(NotAllowed, match="operator-unproven"):
        prove(governed, "mia", SECRET, clock=clock)


def test_a_lost_device_is_taken_off_and_its_codes_are_worth_nothing(
    governed: Record, clock: FakeClock, device: Device
) -> None:
    """NEW-38: by an admin, on the trail; with the next device the old one's codes do not serve."""
    with pytest.raises(NotAllowed, match="mfa-enrolled"):
        ask_second_step(governed, clock, "mia")
    reset_second_step(governed, clock, name="mia", by="root")
    assert prove(governed, "mia", SECRET, clock=clock).name == "mia"
    other = Device(ask_second_step(governed, clock, "mia"))
    with pytest.raises(NotAllowed, match="mfa-code"):
        confirm_second_step(governed, clock, "mia", device.shows(clock))
    confirm_second_step(governed, clock, "mia", other.shows(clock))
    assert verify(governed, None).holds


def test_the_record_has_no_secret_and_a_step_taken_off_by_sql_is_found(
    governed: Record, device: Device
) -> None:
    """NEW-38: neither the database nor a name in it tells a code."""
    with governed.write() as connection:
        assert device.secret not in str(connection.execute(sa.select(operator_mfa)).all())
        connection.execute(sa.update(operator_mfa).values(active=False))
    assert not verify(governed, None).holds
