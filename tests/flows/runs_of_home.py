"""
The runs of the installation that the environment names, as Prefect has them: `{"id": "state", …}`.

    python -m tests.flows.runs_of_home [MINUTES]

MINUTES: first end the runs that would be silent so many minutes from now, as `settle` does it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta


def main(minutes: str = "") -> None:
    """Print them."""
    from clinic.settings import load_settings
    from tasks.processes.environment import apply_environment

    apply_environment(load_settings())
    from prefect.client.orchestration import get_client

    from tasks.runs.silent_runs import crash_silent_runs
    from tasks.wiring import installation

    with get_client(sync_client=True) as client:
        if minutes:
            later = datetime.now(UTC) + timedelta(minutes=float(minutes))
            crash_silent_runs(client, installation().tag, now=later)
        found = {str(run.id): run.state_name for run in client.read_flow_runs()}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
