"""The staff desk as a process of this machine that outlives the command that started it (the demo's)."""

from __future__ import annotations

import time
from typing import Final
from urllib.request import ProxyHandler, build_opener

from clinic.errors import NotAllowed
from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.environment import child_environment, prefect_home

STOP_SECONDS: Final = 10
_STARTS_SECONDS: Final = 60


def start_desk(settings: Settings) -> str:
    """
    Start it, if it does not run; its address, once it answers.

    Raises:
        NotAllowed: it ended at once; the end of its log says why
    """
    own, process = settings.desk, _process(settings)
    process.start(
        ["-c", "from cli.program import run; run()", "desk", "serve"], child_environment(settings)
    )
    address, begun = f"http://{own.host}:{own.port}", time.monotonic()
    while not _answers(address):
        if not process.running() or time.monotonic() - begun > _STARTS_SECONDS:
            raise NotAllowed(
                "desk-not-started",
                f"the staff desk did not start: {process.last_lines()}. Does another program use port "
                f"{own.port} (desk.port)?",
            )
        time.sleep(0.1)
    return own.address or address


def stop_desk(settings: Settings) -> bool:
    """Stop it; False where none ran."""
    return _process(settings).stop(seconds=STOP_SECONDS)


def _answers(address: str) -> bool:
    try:  # no proxy of the environment is between this machine and itself
        with build_opener(ProxyHandler({})).open(f"{address}/sign-in", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _process(settings: Settings) -> Background:
    return Background("cohort-desk", prefect_home(settings))
