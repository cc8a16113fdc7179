"""
A run beside a campaign's own in a process of its own, as a worker's process has it.

    python -m tests.kill.beside_run CAMPAIGN
"""

from __future__ import annotations

import sys


def main(campaign_id: int) -> None:
    """Send until nothing is left that this run could send."""
    from clinic.settings import load_settings
    from tasks.processes.environment import apply_environment

    apply_environment(load_settings())
    from flows.send_campaign import send_beside
    from tasks.runs.runs import of_this_installation

    with of_this_installation():
        send_beside(campaign_id)


if __name__ == "__main__":
    main(int(sys.argv[1]))
