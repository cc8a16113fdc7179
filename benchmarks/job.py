"""
The whole flow in a process of its own, as `cohort message` runs it; prints its cost as JSON.

    python -m benchmarks.job LIST.csv          settings come from the environment (COHORT_…)

`cpu` counts this process from its start, imports included; `server_cpu` what the Prefect server
used meanwhile and until it had caught up.
"""

from __future__ import annotations

import json
import os
import sys
import time

from benchmarks.cost import cost_of_this_process, cpu_of
from clinic.settings import load_settings

CATCH_UP = 3.0  # seconds: the server writes its task runs a second behind


def main() -> None:
    """Run it, and print what it cost."""
    from tasks.environment import apply_environment
    from tasks.server import server_status

    settings = load_settings()
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    apply_environment(settings)
    pid = server_status(settings).pid
    before = cpu_of(pid) if pid else 0.0

    from clinic.message.request import CohortChoice, MessageRequest
    from flows.message import message

    began = time.perf_counter()
    summary = message(
        MessageRequest(list_name="Bench", cohort=CohortChoice(file=sys.argv[1]), template="bench")
    )
    flow = time.perf_counter() - began
    cost = cost_of_this_process()
    time.sleep(CATCH_UP)
    server = cpu_of(pid) - before if pid else 0.0
    found = {"sent": summary.messages, "flow_wall": flow, "server_cpu": server, **cost}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
