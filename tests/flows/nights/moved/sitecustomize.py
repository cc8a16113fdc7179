"""
Read at the start of each process that has this folder on its PYTHONPATH: the machine's clock, moved.

MOVED_CLOCK names a file with the seconds by which it is moved, which a test may write anew at any time.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinic.clock import SystemClock


def _now(_: SystemClock) -> datetime:
    seconds = float(Path(os.environ["MOVED_CLOCK"]).read_text())
    return datetime.now(UTC) + timedelta(seconds=seconds)


SystemClock.now = _now  # type: ignore[method-assign]  # in processes that a test starts, and no other
