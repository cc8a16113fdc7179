"""
A campaign in each state that somebody may find in the Prefect UI, made as people make it.

What a person would type is typed; what one would press in the Prefect UI is asked of its server.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np

from benchmarks.states import runs
from cli.hours import ALWAYS
from cli.wiring import open_record
from clinic.clock import SystemClock
from clinic.govern.people.roles import Role
from clinic.practice.faulty import faulty_list
from clinic.practice.people import Practice
from clinic.settings import load_settings
from tests.staff import add_staff

COHORT: Final = str(Path(sys.executable).with_name("cohort"))
STATES: Final = (
    "completed", "failed-list", "halted", "closed-hours", "crashed-and-resumed", "cancelled",
    "waiting-for-approval",  # the last: from then on there are operators, who must say who they are
)  # fmt: skip
_ROWS: Final = 600
LEASE_SECONDS: Final = 60
OURS: Final = Practice(seed=2026, patients=10_000)


def _ended(number: int) -> bool:
    """Whether a campaign has had a second run, and none of them goes on."""
    found = runs.runs_of(number)
    return len(found) > 1 and all(map(runs.has_ended, found))


class Shown:
    """The practice; `make` gives the runs that a person would look at, in their order."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._lists = 0

    states = STATES

    @staticmethod
    def campaign_of(run: UUID) -> int:
        """Its campaign's number."""
        return runs.campaign_of(run)

    def make(self, state: str) -> list[UUID]:
        """Bring a campaign of its own into this state."""
        made: Callable[[], list[UUID]] = getattr(self, "_" + state.replace("-", "_"))
        return made()

    def type(self, *words: str, check: bool = True, **more: str) -> str:
        """What a command prints; its progress goes to the screen."""
        environment = {**os.environ, "COHORT_CONFIG": str(self.home / "cohort.toml"), **more}
        done = subprocess.run(
            [COHORT, *words], cwd=self.home, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode not in (0, 4):
            raise RuntimeError(f"cohort {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    @staticmethod
    def settle() -> None:
        """The recurring run, now: it draws the day."""
        run = runs.begin("settle", {})
        runs.until(f"{run} ends", lambda: runs.has_ended(run))

    def _completed(self) -> list[UUID]:
        return self._sent()

    def _failed_list(self) -> list[UUID]:
        """The list of another practice: most of its people are not found here."""
        run = self._asked_for(Practice(seed=7, patients=400_000))
        runs.until(f"{run} is refused", lambda: runs.has_ended(run))
        return [run]

    def _halted(self) -> list[UUID]:
        """Our token was taken back: the gateway answers 401."""
        return self._sent(COHORT_SMS__TOKEN="of-last-year")

    def _waiting_for_approval(self) -> list[UUID]:
        """Twice as many as one person may release alone, asked for by somebody who may ask."""
        request = self._request(OURS, 2 * _ROWS)
        self._add_people()
        run = runs.begin("message", request)
        runs.until(f"{run} waits", lambda: runs.state_of(run) == "Suspended")
        return [run]

    @staticmethod
    def _add_people() -> None:
        settings = load_settings()
        people: dict[str, Role] = {
            "root": "admin",
            settings.operator: "team_lead",
            "una": "manager",
        }
        with open_record(settings) as record:
            add_staff(record, SystemClock(), people, secret=secrets.token_hex())

    def _closed_hours(self) -> list[UUID]:
        """Texts are sent tomorrow, and not before."""
        day = f"{datetime.now(UTC) + timedelta(days=1):%a}".lower()
        self._ask("hours.text", f"{day} 09:00-17:00")
        sent = self._sent()
        self._ask("hours.text", ALWAYS)  # for the states that are made after this one
        return sent

    def _ask(self, setting: str, value: str) -> None:
        """Where there are no operators yet, it is changed at once."""
        self.type("settings", "ask", setting, value, "--reason", "pictures")

    def _crashed_and_resumed(self) -> list[UUID]:
        """A run of the worker's loses its process; the recurring one has another carry on."""
        run = self._asked_for()
        os.kill(self._process_of(run), signal.SIGKILL)
        runs.until(f"{run} crashes", lambda: runs.state_of(run) == "Crashed")
        time.sleep(LEASE_SECONDS)  # until then its batches are its own, and nothing is due
        runs.begin("settle", {})
        number = runs.campaign_of(run)
        runs.until("another run ends", lambda: _ended(number))
        return runs.runs_of(number)

    def _cancelled(self) -> list[UUID]:
        """Somebody presses Cancel while it sends."""
        run = self._asked_for()
        self._process_of(run)
        runs.cancel(run)
        runs.until(f"{run} is cancelled", lambda: runs.state_of(run) == "Cancelled")
        return [run]

    def _sent(self, *, rows: int = _ROWS, **more: str) -> list[UUID]:
        """`cohort message`, whatever it ends with."""
        before = self._newest()
        self.type(
            "message", str(self._list(OURS, rows)), "--name", "Flu clinic", "--template", "clinic-invite",
            "--again", "--yes", check=False, **more,
        )  # fmt: skip
        assert self._newest() == before + 1
        return runs.runs_of(before + 1)

    def _asked_for(self, practice: Practice = OURS) -> UUID:
        """The form of the Prefect UI, filled in: the worker runs it."""
        return runs.begin("message", self._request(practice))

    def _request(self, practice: Practice, rows: int = _ROWS) -> dict[str, Any]:
        """What is filled in, over a list that is there."""
        words = ("list", "add", str(self._list(practice, rows)), "--name", "Flu clinic", "--yes")
        added = json.loads(self.type(*words, "--template", "clinic-invite", "--json"))
        asked = {"cohort": {"list_id": added["list"]}, "template": "clinic-invite"}
        return {"request": {**asked, "more": {"again": True}}}

    def _list(self, practice: Practice, rows: int = _ROWS) -> Path:
        """A list with every kind of error, and others on it each time."""
        self._lists += 1
        path = self.home / f"flu-clinic-{self._lists}.csv"
        path.write_bytes(faulty_list(np.random.default_rng(self._lists), rows, practice))
        return path

    def _newest(self) -> int:
        """The number of the last campaign; 0: there is none."""
        told = json.loads(self.type("campaigns", "--json"))
        return max((row["id"] for row in told), default=0)

    def _process_of(self, run: UUID) -> int:
        """Its process, once some of its messages are with the gateway and others are not."""
        runs.until(f"{run} sends", lambda: "send-batches" in runs.tasks_of(run))
        time.sleep(5)
        marked = f"PREFECT__FLOW_RUN_ID={run}".encode()
        for place in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if marked in place.read_bytes().split(b"\0"):
                    return int(place.parent.name)
        raise RuntimeError(f"run {run} has no process")
