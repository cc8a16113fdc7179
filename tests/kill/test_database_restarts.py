"""NEW-3 where nobody is killed but the database: it is restarted twice while a campaign is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.outages import restart_database
from tests.processes import ONE_SERVER

pytestmark = ONE_SERVER

PEOPLE = 1_000


@pytest.mark.parametrize("gateway_class", ["I", "B"])
def test_a_database_that_is_restarted_in_mid_send_doubles_loses_and_forgets_nobody(
    tmp_path: Path, gateway_class: str
) -> None:
    """Not on a blind gateway either: its answers are kept until they can be written."""
    fate = restart_database(gateway_class, people=PEOPLE, times=2, folder=tmp_path)
    assert fate.is_clean, fate
    assert fate.outcomes == {"sent": PEOPLE}, fate
