"""
A whole flow in a process of its own, as it is run in earnest; prints its cost as JSON.

    python -m benchmarks.job bench LIST.csv    the main job with this template; settings: COHORT_…
    python -m benchmarks.job --nightly         the reminders of the next two days' appointments

`cpu` counts this process from its start, imports included; `server_cpu` what the Prefect server
used meanwhile and until it had caught up.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.cost import cost_of_this_process, cpu_of
from clinic.settings import load_settings

if TYPE_CHECKING:
    from clinic.message.outcomes.summary import Summary

CATCH_UP = 3.0  # seconds: the server writes its task runs a second behind


def main() -> None:
    """Run it, and print what it cost."""
    from tasks.processes.environment import apply_environment
    from tasks.processes.server import server_status

    settings = load_settings()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    apply_environment(settings)
    pid = server_status(settings).pid
    before = cpu_of(pid) if pid else 0.0

    run = reminders() if sys.argv[1] == "--nightly" else main_job(*sys.argv[1:])
    began = time.perf_counter()
    summary = run()
    flow = time.perf_counter() - began
    cost = cost_of_this_process()
    time.sleep(CATCH_UP)
    server = cpu_of(pid) - before if pid else 0.0
    found = {"sent": summary.messages, "flow_wall": flow, "server_cpu": server, **cost}
    print(json.dumps(found))


def main_job(template: str, path: str) -> Callable[[], Summary]:
    """Messages everybody on this list."""
    from clinic.message.campaign.request import CohortChoice, MessageRequest
    from flows.message import message

    request = MessageRequest(list_name="Bench", cohort=CohortChoice(file=path), template=template)
    return lambda: message(request)


def reminders() -> Callable[[], Summary]:
    """Reminds of what `benchmarks.people.book` booked."""
    from clinic.message.reminders.reminder_request import ReminderRequest
    from flows.remind import remind

    return lambda: remind(ReminderRequest(days=2))


if __name__ == "__main__":
    main()
