"""What the work needs goes away while it is done: in each case one sentence, the right exit code, a way on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from clinic.message.states import UNDELIVERED
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment
from tasks.processes.environment import ROOT
from tests.installation import Installation, installed
from tests.servers.prefect_server import wait_for
from tests.servers.recorder import RunningGateway, running_gateway

# The second test goes on where the first one ended
pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("outages")]

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
    wait_for("first messages", lambda: len(gateway.report().taken) >= 40, seconds=240)
    practice.kill_server()
    wait_for("last message", lambda: len(gateway.report().taken) == PEOPLE, seconds=240)
    sent = time.monotonic()
    done = practice.end(sending)
    # It was 20 s and more after the last message: a test may be slow, a run that waits for a dead server is not
    assert time.monotonic() - sent < 120
    assert (done.code, sentences(done.err, GONE)) == (0, 1), done.err
    assert "Campaign 1: OK" in done.err + done.out

    shown = practice.must("show", "1", "--json").json()
    assert shown["counts"] == {"sent": PEOPLE}
    assert Counter(gateway.report().taken.values()) == {1: PEOPLE}


def runs(practice: Installation, *minutes: str) -> dict[str, str]:
    """Prefect's runs by id, and the state of each."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.flows.runs_of_home", *minutes],
        cwd=ROOT, env=practice.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, str] = json.loads(done.stdout)
    return found


def make_something_to_send(practice: Installation) -> None:
    """Everybody's message of campaign 1 came back, and everybody has an appointment tomorrow."""
    record = Record.open(practice.url)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.campaign_id == 1).values(state=UNDELIVERED)
        )
        connection.execute(
            sa.insert(appointment),
            [
                {"id": n, "patient_id": n, "starts_at": tomorrow, "place": "Room 4"}
                for n in range(1, PEOPLE + 1)
            ],
        )
    record.close()


def test_what_was_killed_while_it_sent_leaves_no_run_that_stays_running(
    practice: Installation, gateway: RunningGateway
) -> None:
    """2.10: each command that sends, killed at once; nobody is left to say how its run ended but `settle`."""
    make_something_to_send(practice)
    kinds = [
        (*practice.message(), "--again"),
        ("resend", "1", "--yes"),
        ("remind", "--days", "2", "--yes"),
    ]
    for words in kinds:
        sent = len(gateway.report().taken)
        sending = practice.start(*words)
        wait_for(words[0], lambda sent=sent: len(gateway.report().taken) > sent, seconds=240)  # type: ignore[misc]
        sending.kill()
        sending.communicate()
    assert Counter(runs(practice).values()) == {
        "Running": len(kinds) + 1
    }  # the first one's server died
    assert Counter(runs(practice, "11").values()) == {"Crashed": len(kinds) + 1}
    assert set(gateway.report().taken.values()) == {1}
