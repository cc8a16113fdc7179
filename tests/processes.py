"""
Processes of their own for tests that kill them or set them against each other.

They are forked from a server that has everything imported: one starts in milliseconds instead of
seconds. Tests that use it are marked `ONE_SERVER`, so that only one of several runners starts it.
"""

from __future__ import annotations

import multiprocessing

import pytest

processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["tests.kill.preload"])

ONE_SERVER = pytest.mark.xdist_group("processes")
