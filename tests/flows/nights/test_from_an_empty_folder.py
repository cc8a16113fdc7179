"""
Issue 16, NEW-14 to NEW-16, COM-12: from an empty folder to the right reminders, by the exports of four systems.

Everything is typed, and at night a worker does what is deployed: each command and each run is a process of its
own, whose clock is moved.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

from clinic.settings import Settings
from tasks.processes.environment import api_url, prefect_home
from tasks.processes.login import ensure_login
from tests.fakes import FakeClock
from tests.flows.installation import state_of
from tests.flows.nights.systems import Systems, first_day, second_day
from tests.main_job import nhs
from tests.servers.prefect_server import wait_for
from tests.servers.stand_in import standing_in

MOVED = Path(__file__).with_name("moved")
ENDED = {"Completed", "Failed", "Crashed", "Cancelled"}


class Surgery:
    """An empty folder, and who works in it."""

    def __init__(self, folder: Path, clock: FakeClock, server: Settings, systems: Systems) -> None:
        self.folder, self.clock, self.systems = folder, clock, systems
        self._shift = folder / "shift"
        folder.mkdir()
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("COHORT_", "PREFECT_"))}
        self._environment = {
            **kept, "PYTHONPATH": str(MOVED), "MOVED_CLOCK": str(self._shift), "NO_COLOR": "1",
            "COLUMNS": "200", "PREFECT_WORKER_QUERY_SECONDS": "1", "COHORT_PREFECT_API_URL": api_url(server),
            "PREFECT_API_AUTH_STRING": ensure_login(prefect_home(server)),
            "COHORT_NOTES_FOLDER": str(folder / "notes"),
        }  # fmt: skip
        self.is_now()

    def is_now(self) -> None:
        """Every process sees the time of `clock` from here on."""
        self._shift.write_text(str((self.clock.now() - datetime.now(UTC)).total_seconds()))

    def types(self, words: str) -> str:
        """What a command says."""
        program = str(Path(sys.executable).with_name("cohort"))
        done = subprocess.run(
            [program, *words.split()], cwd=self.folder, env=self._environment, capture_output=True,
            stdin=subprocess.DEVNULL, text=True, check=False, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def sets(self, sources: dict[str, Any]) -> None:
        """What a practice writes into the file that `init` made."""
        path = self.folder / "cohort.toml"
        lines = ["outbox = true", path.read_text(), *(_section(*each) for each in sources.items())]
        text = "\n".join(lines).replace("# test_range = false", "test_range = true")
        path.write_text(text)

    def reminded(self) -> list[tuple[int, str]]:
        """The number of each patient to whom a text left, and the visit that it tells of."""
        with sqlite3.connect(self.folder / ".cohort" / "record.db") as base:
            rows = base.execute(
                "SELECT patient.nhs_number, reminder.starts_at FROM reminder "
                "JOIN message ON message.id = reminder.message_id "
                "JOIN patient ON patient.id = message.patient_id "
                "WHERE message.state IN ('accepted', 'delivered')"
            ).fetchall()
            (left,) = base.execute("SELECT count(*) FROM outbox").fetchone()
        base.close()
        assert left == len(rows)
        numbers = {nhs(n): n for n in range(1, 9)}
        return sorted(
            (numbers[who], f"{datetime.fromisoformat(at):%d %b %H:%M}") for who, at in rows
        )

    def comes(self, flow: str) -> str:
        """The hour of a deployment's schedule comes: the run is made as the scheduler makes it; how it ends."""
        label = json.loads(self.types("server status --json"))["installation"]
        with get_client(sync_client=True) as client:
            deployment = client.read_deployment_by_name(f"{flow}/{flow} ({label})")
            run: UUID = client.create_flow_run_from_deployment(deployment.id).id
        wait_for(f"the run of {flow}", lambda: state_of(run) in ENDED, seconds=300)
        return state_of(run)


def _section(name: str, source: dict[str, Any]) -> str:
    def value(given: Any) -> str:
        if isinstance(given, dict):
            return "{ " + ", ".join(f'"{n}" = {value(v)}' for n, v in given.items()) + " }"
        return repr(given).replace("'", '"')

    return "\n".join([f"[sources.{name}]", *(f"{n} = {value(v)}" for n, v in source.items())])


@pytest.fixture
def systems(tmp_path: Path, clock: FakeClock) -> Systems:
    (tmp_path / "out").mkdir()
    return Systems(tmp_path / "out", clock)


@pytest.fixture
def surgery(
    tmp_path: Path, clock: FakeClock, systems: Systems, prefect_server: Settings
) -> Iterator[Surgery]:
    with standing_in(systems.answer) as hospital:
        surgery = Surgery(tmp_path / "surgery", clock, prefect_server, systems)
        surgery.types("init --name Llanfair --id-scheme emis --yes")
        surgery.sets(systems.settings(hospital.url))
        yield surgery
        surgery.types("server stop")


@pytest.mark.prefect
def test_the_next_night_s_reminders_leave_for_the_right_visits_once_and_for_nobody_who_opted_out(
    surgery: Surgery, clock: FakeClock, systems: Systems
) -> None:
    first_day(systems)
    surgery.types(f"import facilities {systems.places()}")
    surgery.types(f"import patients {systems.folder}/emis/11_Admin_Patient_x.csv --source emis")
    surgery.types("sources sync")
    surgery.types("remind --days 2 --yes")
    first = [(1, "03 Mar 09:30"), (3, "04 Mar 10:00"), (4, "04 Mar 11:00"), (6, "03 Mar 12:00")]
    assert surgery.reminded() == first

    surgery.types("server start")
    clock.sleep(24 * 3600)
    surgery.is_now()
    second_day(systems)
    assert surgery.comes("sync") == "Completed"
    for _ in range(2):
        assert surgery.comes("remind") == "Completed"
    assert surgery.reminded() == sorted([*first, (1, "04 Mar 10:00"), (6, "04 Mar 12:00")])
