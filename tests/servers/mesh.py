"""NHS England's own MESH sandbox, as a process of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port

_STARTS = 60.0
KEY, PASSWORD = "Banana", "password"  # of the sandbox: its README has them
OURS, PRACTICE = "X26ABC1", "X26ABC2"


@contextlib.contextmanager
def running_mesh(folder: Path) -> Iterator[str]:
    """A sandbox on a free port of loopback that keeps its mailboxes in `folder`; its address."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "uvicorn", "mesh_sandbox.api:app", "--host", "127.0.0.1",
         "--port", str(port)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"STORE_MODE": "file", "MAILBOXES_DATA_DIR": str(folder), "SHARED_KEY": KEY,
                          "AUTH_MODE": "full"},
    )  # fmt: skip
    try:
        until = time.monotonic() + _STARTS
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
