"""
Press Cancel or Suspend on what sends a campaign, as in the Prefect UI; of the installation of the environment.

    python -m tests.flows.by_hand.press CANCELLING|PAUSED CAMPAIGN
"""

from __future__ import annotations

import sys


def main(state: str, campaign: str) -> None:
    """Of every run of the campaign that goes."""
    from clinic.settings import load_settings
    from tasks.processes.environment import apply_environment

    apply_environment(load_settings())
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import State, StateType

    from tasks.runs.going_on import runs_of

    pressed = 0
    with get_client(sync_client=True) as client:
        for run in runs_of(f"campaign-{campaign}"):
            if run.state_type is StateType.RUNNING:
                name = "Suspended" if state == "PAUSED" else None
                client.set_flow_run_state(run.id, State(type=StateType[state], name=name))
                pressed += 1
    assert pressed, f"nothing sends campaign {campaign}"


if __name__ == "__main__":
    main(*sys.argv[1:])
