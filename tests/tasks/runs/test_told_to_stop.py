"""Which state of a run is a person's stop, and which is Prefect's or our own doing."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Cancelling, Completed, Failed, Paused, Running, Suspended

from tasks.runs.stops import told_by


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (Cancelling(), "run-cancelled"),
        (Cancelled(), "run-cancelled"),
        (Suspended(), "run-suspended"),
        (Paused(), "run-suspended"),
        (Cancelled(name="Rejected"), ""),
        (Cancelled(name="Refused"), ""),
        (Cancelled(message="Deployment concurrency limit reached."), ""),
        (Running(), ""),
        (Completed(), ""),
        (Failed(), ""),
        (None, ""),
    ],
)
def test_only_what_a_person_did_is_a_stop(state: State[Any] | None, told: str) -> None:
    """Issue 17: an approver's no, another installation's run and a run beside another stop no campaign."""
    assert told_by(state) == told
