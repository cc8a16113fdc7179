"""
An SMSC for the tests: npm's `smpp`, which has no code in common with our client's library, and smsc.js.

`npm ci` in this folder installs it (the Makefile and .ci/run do so).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

FOLDER: Final = Path(__file__).parent
PASSWORD: Final = "secret"


class Smsc:
    """A running SMSC at `port` of loopback."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self._one_at_a_time = threading.Lock()

    def tell(self, command: str, given: object = None) -> dict[str, Any]:
        """Say something to it; what it counts now."""
        with self._one_at_a_time:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(json.dumps([command, given]) + "\n")
            self.process.stdin.flush()
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def set(self, **given: object) -> None:
        """Change how it behaves (smsc.js)."""
        self.tell("set", given)

    @property
    def book(self) -> list[dict[str, Any]]:
        """Every submit_sm that it took, in order."""
        found: list[dict[str, Any]] = self.tell("book")["book"]
        return found

    @property
    def counts(self) -> dict[str, Any]:
        """Binds, enquiries, receipts that were confirmed and that were not kept."""
        return self.tell("counts")


@contextlib.contextmanager
def running_smsc(**given: object) -> Iterator[Smsc]:
    """An SMSC for the block, in a process that ends with it (or with us); the test is skipped without node."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules" / "smpp").is_dir():
        pytest.skip(
            "NOT TESTED: no SMSC, since node or npm's smpp is not here: `npm ci` in tests/servers/smsc"
        )
    with subprocess.Popen(
        [node, str(FOLDER / "smsc.js"), json.dumps(given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield Smsc(process, json.loads(process.stdout.readline())["port"])
        finally:
            process.kill()
