"""NEW-11, ARC-11: let in by a token that is asked for (SMART Backend Services), renewed where it ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from clinic.fhir.client import FixedToken
from clinic.fhir.token import AskedToken, Login
from tests.clinic.outside_record.conftest import CLIENT, KEY, Outside
from tests.fakes import FakeClock
from tests.servers.fhir import faults_before

pytestmark = pytest.mark.xdist_group("fhir")
OutsideOf = Callable[..., Outside]


def asked(
    outside: Outside, folder: Path, key: ec.EllipticCurvePrivateKey = KEY, *, hours: int = 0
) -> AskedToken:
    path = folder / "key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    clock = FakeClock(datetime.now(UTC) + timedelta(hours=hours))
    login = Login(outside.server.url, CLIENT, str(path), scope="system/*.*", wait_seconds=10)
    return AskedToken(login, clock)


@pytest.mark.parametrize("hours", [0, 2, -2])
def test_a_signed_assertion_lets_us_in_whatever_our_clock_says(
    outside_here: OutsideOf, tmp_path: Path, hours: int
) -> None:
    """A server refuses an assertion from the future, or one that is over: it says what time it is."""
    outside = outside_here(2)
    done = outside.saver(token=asked(outside, tmp_path, hours=hours)).run()
    assert (done.saved, done.trouble) == (2, "")
    assert len(outside.there()) == 2


@pytest.mark.parametrize("at", [1, 2])
def test_a_token_that_ends_in_the_middle_of_a_run_is_renewed_and_nothing_is_there_twice(
    outside_here: OutsideOf, tmp_path: Path, at: int
) -> None:
    outside = outside_here(3)
    with faults_before(outside.server.port, *["pass"] * (at - 1), "401") as faults:
        done = outside.saver(faults.url, token=asked(outside, tmp_path)).run()
    assert (done.saved, done.refused, done.trouble) == (3, 0, "")
    assert len(outside.there()) == 3
    lines = [line for each in faults.asked for line in each.split(b"\r\n")]
    bearers = {line for line in lines if b"Bearer" in line}
    assert len(bearers) == 2


def test_a_key_that_is_not_registered_lets_nobody_in_and_everything_waits(
    outside_here: OutsideOf, tmp_path: Path
) -> None:
    outside = outside_here(2)
    other = ec.generate_private_key(ec.SECP384R1())
    done = outside.saver(token=asked(outside, tmp_path, other)).run()
    assert done.trouble == "its token server answers 401 invalid_client"
    assert {item.state for item in outside.items()} == {"waiting"}
    outside.practice.clock.sleep(60)
    assert outside.saver(token=asked(outside, tmp_path)).run().saved == 2


def test_a_fixed_token_that_is_refused_is_said_and_asked_once(outside_here: OutsideOf) -> None:
    outside = outside_here(1)
    with faults_before(outside.server.port) as faults:
        done = outside.saver(faults.url, token=FixedToken("other")).run()
    assert done.trouble.startswith("it answers 401")
    assert len(faults.asked) == 1
