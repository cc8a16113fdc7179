"""
The flow in a process of its own, which may be killed at a point of the ledger.

    python -m tests.flows.run_message REQUEST.json [POINT HIT]

Settings come from the environment, as in a worker's process.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(request: str, point: str = "", hit: str = "1") -> None:
    """Run the request in this file; pull the plug when `point` is passed for the `hit`-th time."""
    from clinic.settings import load_settings
    from tasks.processes.environment import apply_environment

    apply_environment(load_settings())
    from clinic.message.campaign.request import MessageRequest
    from flows.message import message
    from tasks.wiring import wiring
    from tests.kill.job import Plug

    wiring().reached = Plug(point, int(hit))
    message(MessageRequest.model_validate_json(Path(request).read_text()))


if __name__ == "__main__":
    main(*sys.argv[1:])
