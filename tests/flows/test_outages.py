"""What the work needs goes away while it is done: in each case one sentence, the right exit code, a way on."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.installation import Installation, installed
from tests.prefect_server import wait_for
from tests.servers.recorder import RunningGateway, running_gateway

pytestmark = pytest.mark.prefect

PEOPLE = 240
GONE = "Prefect's server no longer answers"


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    with running_gateway(latency_ms=150) as running:
        yield running


@pytest.fixture(scope="module")
def practice(
    tmp_path_factory: pytest.TempPathFactory, gateway: RunningGateway
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("practice")
    with installed(folder, gateway=gateway.url, people=PEOPLE) as made:
        yield made


def sentences(err: str, about: str) -> int:
    """How often it is said; and nothing of the machinery is."""
    assert "Traceback" not in err, err
    assert "httpx" not in err, err
    return err.count(about)


def test_the_server_dies_in_mid_send_and_the_sending_goes_on_to_its_end(
    practice: Installation, gateway: RunningGateway
) -> None:
    """2.6: told at once, everybody has it once, all of it is on the record, and the run is over when it is."""
    sending = practice.start(*practice.message())
    wait_for("first messages", lambda: len(gateway.report().taken) >= 40, seconds=90)
    practice.kill_server()
    wait_for("last message", lambda: len(gateway.report().taken) == PEOPLE, seconds=90)
    sent = time.monotonic()
    done = practice.end(sending)
    # It was 20 s and more after the last message: a test may be slow, a run that waits for a dead server is not
    assert time.monotonic() - sent < 60
    assert (done.code, sentences(done.err, GONE)) == (0, 1), done.err
    assert "Campaign 1: OK" in done.err + done.out

    shown = practice.must("show", "1", "--json").json()
    assert shown["counts"] == {"sent": PEOPLE}
    assert Counter(gateway.report().taken.values()) == {1: PEOPLE}
