"""
Large libraries, imported when they are first used, not when a module names them.

    import pandas as pd        as ever; what is bound is a stand-in
    pd.DataFrame(…)            the first attribute asked for imports pandas, once, under Python's import lock

A command that only looks reads a few rows of the record: of its processor time pandas, NumPy and PyArrow
were a third. `importlib.util.LazyLoader` does the same, but until Python 3.11.7 without a
lock, and threads here share modules.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

# Each below its parent. What is named here must not be needed while a module of ours is imported
LATER: Final = (
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.parquet",
    "phonenumbers",
    "email_validator",
    "aiohttp",
    "httpx",
    "jwt",
    "uvloop",
    "altair",  # pictures, of which Great Expectations makes none here
)
_TAKING: Final = threading.Lock()


class Later(ModuleType):
    """Stands for a module that is not imported yet."""

    def __getattr__(self, name: str) -> Any:
        if name == "__warningregistry__":  # what tests and debuggers ask of every module there is
            raise AttributeError(name)
        found = getattr(_load(self), name)
        self.__dict__.setdefault(name, found)  # the next time at no cost
        return found


def _load(stands_for: Later) -> ModuleType:
    _take_away(stands_for, sys.modules)
    return import_module(stands_for.__name__)


def _take_away(stands_for: Later, modules: dict[str, ModuleType]) -> None:
    """Make room for the library: once, or a second thread would take away the library itself."""
    name = stands_for.__name__
    with _TAKING:  # not the import: that has a lock of its own, and two would wait for each other
        if modules.get(name) is stands_for:
            del modules[name]


def put_off() -> None:
    """Let the modules of `LATER` be imported when they are used; those that are there already stay."""
    for name in LATER:
        if name in sys.modules:
            continue
        parent, _, last = name.rpartition(".")
        above = sys.modules.get(parent)
        if parent and not isinstance(above, Later):
            continue
        stands = Later(name)
        if not parent:
            stands.__spec__ = found = find_spec(name)
            if found is not None and found.origin:
                stands.__file__ = found.origin
        sys.modules[name] = stands
        if above is not None:
            above.__dict__[last] = stands
