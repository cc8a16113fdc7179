"""
What `.ci/run` has run on another Python already: written down there, left out here.

    NOTE_TESTS=FILE     the tests that are run go into this file, an id a line
    SKIP_NOTED=FILE     those of this file are left out, but for the folders and files of AGAIN
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def note_tests(items: list[pytest.Item]) -> None:
    """Write down which tests are run, where it was asked for; each of several runners writes the same."""
    place = os.environ.get("NOTE_TESTS")
    if place and items:  # the one that hands them out has none itself
        path = Path(place)
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_text("".join(f"{_id(item)}\n" for item in items))
        fresh.replace(path)


def leave_out_noted(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was run before."""
    place = os.environ.get("SKIP_NOTED")
    if not place:
        return
    noted = set(Path(place).read_text().splitlines())
    again = tuple(os.environ.get("AGAIN", "").split())
    ran = [item for item in items if _id(item) in noted and not item.nodeid.startswith(again)]
    if not ran:
        raise pytest.UsageError(f"{place} names no test of these: nothing would be left out")
    config.hook.pytest_deselected(items=ran)
    gone = set(ran)
    items[:] = [item for item in items if item not in gone]


def _id(item: pytest.Item) -> str:
    """Without the group that pytest-xdist puts behind it."""
    marked = item.get_closest_marker("xdist_group")
    return item.nodeid.rpartition("@")[0] or item.nodeid if marked else item.nodeid
