"""Starts a recording gateway (tests/servers/recording_gateway.py) for a block, and reads its report."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Report:
    """What a gateway took: messages once or more, those beyond the first, requests, faults by kind."""

    unique: int
    doubled: int
    requests: int
    connections: int
    faults: dict[str, int]
    taken: dict[int, int]  # reference → how often


@dataclass(frozen=True)
class RunningGateway:
    """A recording gateway at `url`."""

    url: str
    token: str
    process: subprocess.Popen[str]
    mode: str = "I"

    def report(self) -> Report:
        """Ask it what it took so far."""
        with urllib.request.urlopen(f"{self.url}/report", timeout=30) as answer:
            found = json.load(answer)
        taken = {int(reference): count for reference, count in found.pop("taken").items()}
        return Report(**found, taken=taken)


@contextlib.contextmanager
def running_gateway(
    *,
    mode: str = "I",
    faults: str = "none",
    seed: int = 0,
    latency_ms: float = 0,
    late_ms: float = 3000,
    token: str = "t",
    port: int = 0,
) -> Iterator[RunningGateway]:
    """
    A recording gateway for the block, in a process that ends with it (or with us).

    Args:
        mode: gateway class I, R or B
        faults: none, mix, or shares by name: `throttle=0.5,cut=0.1`
        seed: of the faults' order
        latency_ms, late_ms: how long an answer takes, and a late one
        token: the bearer token it asks for
    """
    command = [
        sys.executable, "-m", "tests.servers.recording_gateway", "--while-stdin",
        "--mode", mode, "--faults", faults, "--seed", str(seed), "--port", str(port),
        "--latency-ms", str(latency_ms), "--late-ms", str(late_ms), "--token", token,
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the recording gateway did not start")
            yield RunningGateway(
                f"http://127.0.0.1:{json.loads(line)['port']}", token, process, mode
            )
        finally:
            process.kill()
