"""The flows of these tests can be imported by the worker that runs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasks.processes.environment import ROOT


@pytest.fixture(scope="module", autouse=True)
def flows_of_tests() -> Iterator[None]:
    """They are installed with nothing, as somebody's own flows may be."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(ROOT))
        yield
