"""What a process cost: processor seconds, wall seconds, peak memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path

_BEGAN = time.perf_counter()


def cost_of_this_process() -> dict[str, float]:
    """Since its start: `cpu` and `wall` in seconds, `peak_mb` of resident memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "wall": time.perf_counter() - _BEGAN,
        "peak_mb": used.ru_maxrss / 1024,
    }


def cpu_of(pid: int) -> float:
    """Processor seconds that another process has used so far, with those of its ended children."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]
    return sum(map(int, ticks)) / 100
