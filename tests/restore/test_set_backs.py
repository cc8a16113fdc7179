"""
A practice that is set back, by the book of its gateway: nothing leaves before a person says what had left;
then nobody gets it twice, and nobody is lost without being named. All of it: `make restore-matrix`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.restore.judge import run
from tests.restore.kinds import run_on
from tests.servers.postgres_copies import TEMPLATE, Copies

# Each kind, class and most states once
_SOME = (
    ("restore", "checking", "R"),
    ("file", "sending", "B"),
    ("home", "awaiting approval", "I"),
    ("init", "scheduled", "B"),
    ("failover", "mid-request", "I"),
    ("file", "reminded", "B"),
)


@pytest.mark.parametrize(("kind", "state", "promise"), _SOME)
def test_after_a_set_back_nobody_is_messaged_twice_or_lost_unnamed(
    sqlite_record_url: str, tmp_path: Path, kind: str, state: str, promise: str
) -> None:
    """NEW-3, NEW-12."""
    fate = run(sqlite_record_url, tmp_path, kind=kind, state=state, promise=promise)
    assert fate.is_clean, fate
    assert fate.unknown == 0 or promise != "R", fate


def test_what_a_gateway_lists_is_known_and_what_the_record_has_lost_is_counted(
    sqlite_record_url: str, tmp_path: Path
) -> None:
    """A blind gateway that can be asked leaves nobody unknown; 24 texts were of a campaign made since."""
    fate = run(sqlite_record_url, tmp_path, kind="file", state="sending", promise="L")
    assert (fate.is_clean, fate.unknown, fate.strange) == (True, 0, 0), fate


def test_a_replica_that_lags_on_postgresql(
    postgres_url: str, postgres_copies: Copies, tmp_path: Path
) -> None:
    """NEW-12: the process that sends finds it, whatever the server says of its timeline."""
    run_on(postgres_url, f"CREATE DATABASE set_back TEMPLATE {TEMPLATE}")
    url = f"{postgres_url.rpartition('/')[0]}/set_back"
    fate = run(url, tmp_path, kind="failover", state="sending", promise="B")
    assert fate.is_clean, fate
    assert fate.unknown == 16


def test_the_book_sees_who_is_messaged_twice(sqlite_record_url: str, tmp_path: Path) -> None:
    """The control: somebody says wrongly that nothing had left."""
    fate = run(
        sqlite_record_url, tmp_path, kind="file", state="sending", promise="B", left="nothing"
    )
    assert (fate.twice, fate.is_clean) == (16, False)
