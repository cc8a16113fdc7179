"""
Great Expectations, at arm's length: a frame of counts or flags and a suite go in, bare findings come out.

Three things it does otherwise than a first use of the library would, each for an error that was seen:
a fresh context a judgement, since threads that share one judge each other's frames; no values in
results (`QUIET`), though there are none in our frames; and no text of its exceptions, which hold values.
"""

from __future__ import annotations

import functools
import gc
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

QUIET: Final = {
    "result_format": "BASIC",
    "exclude_unexpected_values": True,
    "partial_unexpected_count": 0,
}


@dataclass(frozen=True)
class Finding:
    """How one expectation ended. `broken` is empty where it counts no rows."""

    passed: bool
    broken: int | None
    errored: bool


def validate(frame: pd.DataFrame, suite: Any) -> dict[str, Finding]:
    """
    Hold the frame against the suite.

    Returns:
        a finding for each expectation, by the `check` in its meta. An expectation of which nothing
        came back is not in it: the caller must treat it as errored
    """
    batch = (
        _own_context()
        .data_sources.add_pandas("memory")
        .add_dataframe_asset("frame")
        .add_batch_definition_whole_dataframe("all")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    found = batch.validate(suite, result_format=QUIET).results
    return {result.expectation_config.meta["check"]: _finding(result) for result in found}


@functools.cache
def load() -> None:
    """
    Import Great Expectations, once: call it before any other import of the library.

    Without the collector, which would walk through it again and again, and without what no suite uses.
    """
    gc.disable()
    try:
        _when_used("scipy", "stats")
        importlib.import_module("great_expectations.expectations")
    finally:
        gc.enable()
    gc.freeze()


def _when_used(package: str, name: str) -> None:
    """
    Let a module of a package be imported when somebody first uses it.

    The library imports `scipy.stats` for an expectation that our suites have not: 0.6 s of every run.
    """
    whole = f"{package}.{name}"
    if whole in sys.modules:
        return
    spec = importlib.util.find_spec(whole)
    if spec is None or spec.loader is None:
        return
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[whole] = module
    setattr(sys.modules[package], name, module)
    spec.loader.exec_module(module)


def _own_context() -> Any:
    """Of this call's own: no store on disk, no docs site, no progress bar, nothing that calls out."""
    load()
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    # The mode is named: without it a GX_CLOUD_… variable in the environment makes this raise
    return gx.get_context(mode="ephemeral", project_config=config)


def _finding(result: Any) -> Finding:
    return Finding(
        passed=bool(result.success),
        broken=(result.result or {}).get("unexpected_count"),
        errored=_errored(result.exception_info or {}),
    )


def _errored(info: dict[str, Any]) -> bool:
    """The library has two shapes for it: one dict, or one a metric."""
    nested = (value for value in info.values() if isinstance(value, dict))
    return bool(info.get("raised_exception")) or any(v.get("raised_exception") for v in nested)
