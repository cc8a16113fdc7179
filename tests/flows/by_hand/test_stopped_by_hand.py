"""NEW-20: a person stops a campaign that sends, in a terminal or in the Prefect UI."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tasks.processes.environment import ROOT
from tests.installation import Installation, installed
from tests.servers.prefect_server import wait_for
from tests.servers.recorder import RunningGateway, running_gateway

pytestmark = [pytest.mark.slow, pytest.mark.prefect, pytest.mark.xdist_group("stopped-by-hand")]

PEOPLE, BATCH, AT_ONCE = 400, 20, 4


@pytest.fixture(scope="module")
def gateway() -> Iterator[RunningGateway]:
    with running_gateway(latency_ms=300) as running:
        yield running


@pytest.fixture(scope="module")
def practice(
    tmp_path_factory: pytest.TempPathFactory, gateway: RunningGateway
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("practice")
    with installed(folder, gateway=gateway.url, people=PEOPLE) as made:
        yield made


def _pause(practice: Installation, number: int) -> None:
    """In another terminal."""
    practice.must("pause", str(number), "--reason", "the clinic is full")


def _press(state: str) -> Callable[[Installation, int], None]:
    def press(practice: Installation, number: int) -> None:
        """In the Prefect UI."""
        words = [sys.executable, "-m", "tests.flows.by_hand.press", state, str(number)]
        subprocess.run(words, cwd=ROOT, env=practice.environment, check=True)

    return press


@pytest.mark.parametrize(
    ("number", "stop", "why"),
    [
        (1, _pause, "paused-by-person"),
        (2, _press("CANCELLING"), "run-cancelled"),
        (3, _press("PAUSED"), "run-suspended"),
    ],
    ids=["pause", "cancel", "suspend"],
)
def test_a_stop_ends_it_within_the_part_in_flight_with_counts_reason_and_the_way_on(
    practice: Installation,
    gateway: RunningGateway,
    number: int,
    stop: Callable[[Installation, int], None],
    why: str,
) -> None:
    """NEW-20: what the gateway has is what is shown; then everybody gets it once."""
    before = set(gateway.report().taken)
    sending = practice.start(*practice.message(), "--again")
    wait_for("messages", lambda: len(gateway.report().taken) >= len(before) + 40, seconds=240)
    stop(practice, number)
    told = len(gateway.report().taken)
    done = practice.end(sending)
    assert done.code == 4, (done.out, done.err)
    taken = set(gateway.report().taken) - before
    # What was stopped by Prefect is heard of within some seconds; of what is in flight the rest is sent
    assert len(taken) < PEOPLE
    assert why != "paused-by-person" or len(taken) <= (told - len(before) + BATCH * AT_ONCE)

    shown = practice.must("show", str(number), "--json").json()
    assert shown["state"] == "paused"
    assert shown["counts"]["sent"] == len(taken)
    assert sum(shown["counts"].values()) == PEOPLE
    assert shown["state_reason"] == why
    assert f"cohort resume {number}" in practice.must("show", str(number)).err + done.out + done.err

    practice.must("resume", str(number), "--reason", "there is room again")
    practice.must("message", "--resume", str(number), "--yes")
    whole = {n: c for n, c in gateway.report().taken.items() if n not in before}
    assert (len(whole), set(whole.values())) == (PEOPLE, {1})
