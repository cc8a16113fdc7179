"""Ports for the servers of the tests that cannot choose their own."""

from __future__ import annotations

import random
import socket

# Below those that the system gives out by itself (from 32,768 on), so that no other test's socket takes it
# between the look and the start of the server
_OURS = range(12_000, 32_000)
_ANY = random.SystemRandom()  # two processes begin with other numbers


def free_port() -> int:
    """A port of loopback that nobody uses now, and that nobody is given by chance."""
    while True:
        port = _ANY.choice(_OURS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
