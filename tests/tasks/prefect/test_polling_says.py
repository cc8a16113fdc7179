"""NEW-23: whoever finds a crashed run reads what becomes of it, and that nobody must do anything."""

from __future__ import annotations

import pytest

from tasks.prefect.polling import says_died


@pytest.mark.parametrize(
    ("status", "says"),
    [(0, False), (-15, False), (143, False), (-9, True), (137, True), (1, True)],
)
def test_a_process_that_died_by_itself_is_said_to_have_a_successor(status: int, says: bool) -> None:
    """Prefect's own line spoke of the memory alone, beside a button "Retry"."""
    told = says_died(status)
    assert bool(told) is says
    assert not says or (
        "nobody is messaged twice" in told and "another run of it begins by itself" in told
    )
