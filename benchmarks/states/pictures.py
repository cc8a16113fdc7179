"""
What the Prefect UI shows of a run of `message` in each state, to be looked at: `make state-pictures`.

    python -m benchmarks.states.pictures [FOLDER] [STATE …]      .cohort/pictures, if none is named

Of each state the run's page and the campaign's artifact, as pictures and as text; then the list of runs and the
day's overview. The patients do not exist, and the gateway is a process of the tests. Needs chromium;
some ten minutes.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.begin.start import set_up, write_settings
from clinic.clock import SystemClock
from clinic.practice.synthetic import fill_practice
from clinic.record.database import Record
from clinic.settings import load_settings
from tasks.processes.environment import ROOT, apply_environment
from tests.servers.recorder import running_gateway
from tests.servers.screen import Page, browser

if TYPE_CHECKING:
    from benchmarks.states.made import Shown

PORT: Final = 4297
SERVER: Final = f"http://127.0.0.1:{PORT}"
# What sends nothing in its run has no page of what became of it
_PAGES: Final = {
    "failed-list": ("checks", "what it says"),
    "waiting-for-approval": ("campaign-approval", "waits for approval"),
}


def main(folder: str = str(ROOT / ".cohort" / "pictures"), *states: str) -> None:
    """Draw these states, or all."""
    to = Path(folder)
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, _practice(Path(place)) as practice:
        with browser(width=1400, height=3400) as page:
            page.sign_in(SERVER, (practice.home / "prefect" / "login").read_text("utf-8").strip())
            for state in states or practice.states:
                _draw(page, practice, state, to)
            practice.settle()
            _artifact(page, "campaigns-today", "Show raw data", to / "campaigns-today")
            _picture(page, f"{SERVER}/runs", "Runs", to / "runs")
    print(f"made in {to}; look at them")


def _draw(page: Page, practice: Shown, state: str, to: Path) -> None:
    """The pages of each of its runs, and the campaign's."""
    found = practice.make(state)
    for n, run in enumerate(found, 1):
        _picture(page, f"{SERVER}/runs/flow-run/{run}", "Beginning flow run", to / f"{state}-{n}")
    key, says = _PAGES.get(state, ("campaign", "what it means"))
    _artifact(page, f"{key}-{practice.campaign_of(found[0])}", says, to / f"{state}-artifact")


def _artifact(page: Page, key: str, says: str, path: Path) -> None:
    """What the newest artifact of this name says, by the way a person goes: its name, then its latest."""
    page.open(f"{SERVER}/artifacts/key/{key}")
    page.wait_for("Created")
    page.run("document.querySelector('a[href*=\"/artifacts/artifact/\"]').click()")
    page.wait_for(says)
    _keep(page, path)


def _picture(page: Page, address: str, says: str, path: Path) -> None:
    """As it is seen, and its words."""
    page.open(address)
    page.wait_for(says)
    _keep(page, path)


def _keep(page: Page, path: Path) -> None:
    page.picture(path.with_suffix(".png"))
    path.with_suffix(".txt").write_text(page.words(), encoding="utf-8")


@contextlib.contextmanager
def _practice(home: Path) -> Iterator[Shown]:
    """In this folder; its server and worker live as long as the block."""
    # Some are refused, and it takes its time: a run is to be found at work
    with running_gateway(faults="half_refused=0.1", seed=1, latency_ms=400) as sms:
        write_settings(
            home / "cohort.toml",
            {
                "home": str(home),
                "notes_folder": str(home / "notes"),
                "prefect_port": PORT,
                "operator": "anna",
                "organisation.name": "Meddygfa Llanfair",
                "organisation.phone": "029 2018 0123",
                "organisation.id_scheme": "emis",
                "phones.test_range": True,
                "sms.url": sms.url,
                "sms.token": sms.token,
                "sms.gateway_class": "B",
                "sms.per_request": 10,
                "sms.connections": 1,
                "sms.segment_cost": 0.02,
                "batch_size": 100,
                "lease_seconds": 60,
                "halt.failures": 0.5,
                "release.approval_above": 500,
                "hours.text": {},
            },
        )
        os.environ["COHORT_CONFIG"] = str(home / "cohort.toml")
        settings = load_settings()
        apply_environment(settings)
        set_up(settings)
        from benchmarks.states.made import (  # Prefect reads where its server is as it is imported
            OURS,
            Shown,
        )

        record = Record.open(settings.database_url)
        fill_practice(record, OURS, clock=SystemClock())
        record.close()
        made = Shown(home)
        try:
            made.type("server", "start")
            yield made
        finally:
            made.type("server", "stop")


if __name__ == "__main__":
    main(*sys.argv[1:])
