"""
How long somebody waits, as multiples of `cohort --help`: another machine has other seconds and like multiples.

    review     `cohort message` of a list of ten: from Enter to the first line of the review
    summary    the same to its end: sent to the outbox, through a flow on the Prefect server
    look       each command of LOOKS
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.pipeline import Pipeline

RUNS = 3
REVIEW_BAR, SUMMARY_BAR, LOOK_BAR = 5.0, 8.0, 4.0
# One of each kind: of the whole, of one, of lists, operations, the record, what waits
LOOKS = (
    "today", "campaigns", "show 1", "review 1", "list ls", "templates list", "groups list", "holds", "replies",
    "operations list", "follow-ups", "approvals", "retention plan", "audit verify", "settings",
    "record status", "sending status", "receipts status",
)  # fmt: skip
_PROGRAM = str(Path(sys.executable).with_name("cohort"))


def help_seconds(pipeline: Pipeline) -> float:
    """Of `cohort --help`."""
    return _wall(pipeline, "--help")


def look_ratios(pipeline: Pipeline) -> dict[str, float]:
    """Processor seconds of each command that only looks, over those of `--help`, turn and turn about."""
    return {
        words: statistics.median(
            _cpu(pipeline, *words.split()) / _cpu(pipeline, "--help") for _ in range(RUNS)
        )
        for words in LOOKS
    }


def message_ratios(pipeline: Pipeline) -> tuple[float, float]:
    """Review and summary of `cohort message`, over `--help`; medians."""
    reviews, summaries = [], []
    for _ in range(RUNS):
        bare = help_seconds(pipeline)
        review, summary = _message(pipeline)
        reviews.append(review / bare)
        summaries.append(summary / bare)
    return statistics.median(reviews), statistics.median(summaries)


def _message(pipeline: Pipeline) -> tuple[float, float]:
    """Seconds to the review, and to the end."""
    pipeline.begin_anew()
    words = ("message", str(pipeline.list), "--name", "Ten", "--template", "bench", "--yes")
    began = time.perf_counter()
    review = 0.0
    with subprocess.Popen(
        [_PROGRAM, *words], env=pipeline.environment, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        for line in process.stderr:
            if not review and line.startswith("Campaign "):
                review = time.perf_counter() - began
    if process.returncode or not review:
        raise RuntimeError(f"cohort message ended with {process.returncode}")
    return review, time.perf_counter() - began


def _run(pipeline: Pipeline, *words: str) -> None:
    subprocess.run(
        [_PROGRAM, *words], env=pipeline.environment, check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _wall(pipeline: Pipeline, *words: str) -> float:
    return _taken(time.perf_counter, pipeline, *words)


def _cpu(pipeline: Pipeline, *words: str) -> float:
    return _taken(_of_children, pipeline, *words)


def _taken(clock: Callable[[], float], pipeline: Pipeline, *words: str) -> float:
    began = clock()
    _run(pipeline, *words)
    return clock() - began


def _of_children() -> float:
    """Processor seconds of the processes that were waited for."""
    used = os.times()
    return used.children_user + used.children_system
