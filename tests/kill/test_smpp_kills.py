"""NEW-3, item 18.1: `kill -9` over SMPP; the small version of `python -m tests.kill.matrix smpp`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kill.smpp_kills import kill_over_smpp
from tests.processes import ONE_SERVER

pytestmark = ONE_SERVER

PEOPLE = 400


@pytest.mark.parametrize("point", ["intent.done", "send.returned", "record.precommit"])
def test_what_was_in_flight_at_a_kill_is_unknown_and_nobody_is_texted_twice(
    record_url: str, tmp_path: Path, point: str
) -> None:
    fate = kill_over_smpp(record_url, tmp_path, people=PEOPLE, seed=1, point=point)
    assert fate.kills == 1
    assert fate.is_clean, fate
    assert 50 <= fate.unknown <= 100  # two threads with a batch of 50 each


def test_kills_at_random_beside_drops_silence_and_refusals_double_and_lose_nobody(
    record_url: str, tmp_path: Path
) -> None:
    fate = kill_over_smpp(record_url, tmp_path, people=PEOPLE, seed=3)
    assert fate.kills >= 1
    assert fate.is_clean, fate
