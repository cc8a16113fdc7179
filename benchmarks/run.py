"""
`make bench`: how fast, against a floor measured in the same run. Medians of 3; about half an hour.

Prints a table and writes benchmarks/out/results.json, a list of
{"name", "value", "unit", "floor", "ratio", "bar"}. `--million` adds one run of 1,000,000 recipients,
`--only nightly` measures one part alone, `--people N` says how many recipients that part has.
Nothing here is a test: another machine, or another load, gives other numbers and like ratios.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import change, desk, imports, kinds, ledger, lists, start
from benchmarks.large import history, workers
from benchmarks.pipeline import Pipeline, measure_floor, measure_flow, measure_nightly
from tests.servers.postgres import running_postgres

OUT = Path("benchmarks/out")
RUNS = 3
# At most what the main job costs; 0.05 is what two runs of one flow differ by
NIGHTLY_BAR = 1.05


@dataclass(frozen=True)
class Result:
    """
    One figure. `floor`: the bare program's, in the same unit; `ratio`: value over floor; `bar`: what the
    value should not be above.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    bar: float | None = None


def median(measure: Callable[[], float]) -> float:
    """The middle of three."""
    return statistics.median(measure() for _ in range(RUNS))


def of_pipeline(folder: Path) -> list[Result]:
    """The whole flow through Prefect, at 10,000 and at 100,000 recipients."""
    costs: dict[int, float] = {}
    results: list[Result] = []
    for people in (10_000, 100_000):
        floors, flows = [], []
        with Pipeline(folder / str(people), people) as pipeline:
            for _ in range(RUNS):
                floors.append(measure_floor(pipeline))
                flows.append(measure_flow(pipeline))
        floor = statistics.median(cost["cpu"] for cost in floors)
        cpu = statistics.median(cost["cpu"] + cost["server_cpu"] for cost in flows)
        costs[people] = cpu / people
        results += [
            Result(f"pipeline.cpu_ms_per_message_{people}", 1e3 * cpu / people, "ms",
                   1e3 * floor / people, cpu / floor),
            Result(f"pipeline.messages_per_second_{people}",
                   people / statistics.median(cost["flow_wall"] for cost in flows), "1/s",
                   people / statistics.median(cost["wall"] for cost in floors)),
        ]  # fmt: skip
    peak = max(cost["peak_mb"] for cost in flows)
    hundred = _at_hundred(folder)
    return [
        Result("pipeline.cpu_ratio_to_floor", cpu / floor, "", 1.0, cpu / floor),
        Result("pipeline.cost_ratio_100k_to_10k", costs[100_000] / costs[10_000], ""),
        Result("pipeline.peak_memory_mb", peak, "MB"),
        Result("pipeline.cpu_ratio_to_floor_100_a_request", hundred, "", 1.0, hundred),
        *results,
    ]


def _at_hundred(folder: Path, people: int = 100_000) -> float:
    """The same ratio at a hundred messages a request, as settings have it unless told otherwise."""
    floors, flows = [], []
    with Pipeline(folder / "hundred", people, per_request=100) as pipeline:
        for _ in range(RUNS):
            floors.append(measure_floor(pipeline)["cpu"])
            cost = measure_flow(pipeline)
            flows.append(cost["cpu"] + cost["server_cpu"])
    return statistics.median(flows) / statistics.median(floors)


def of_nightly(folder: Path, people: int = 100_000) -> list[Result]:
    """The nightly flow beside the main job, both to everybody with texts as long, turn and turn about."""
    nights, jobs = [], []
    with Pipeline(folder / "nightly", people, appointments=True) as pipeline:
        for _ in range(RUNS):
            jobs.append(measure_flow(pipeline, template="bench-long"))
            nights.append(measure_nightly(pipeline))
    night, job = (
        statistics.median(cost["cpu"] + cost["server_cpu"] for cost in costs)
        for costs in (nights, jobs)
    )
    return [
        Result("nightly.cpu_ratio_to_main_job", night / job, "", 1.0, night / job, NIGHTLY_BAR),
        Result(f"nightly.cpu_ms_per_message_{people}", 1e3 * night / people, "ms",
               1e3 * job / people, night / job),
        Result("nightly.peak_memory_mb", max(cost["peak_mb"] for cost in nights), "MB",
               max(cost["peak_mb"] for cost in jobs)),
    ]  # fmt: skip


def of_lists(folder: Path) -> list[Result]:
    """Reading and checking a list of 100,000 rows, without a campaign."""
    path = lists.prepare(folder)
    rate, floor = median(lambda: lists.check(path)), median(lambda: lists.only_read(path))
    return [Result("list.rows_per_cpu_second", rate, "1/s", floor, rate / floor)]


def of_imports(_folder: Path) -> list[Result]:
    """Importing 100,000 rows of each kind, and the same once more, beside reading and inserting them bare."""
    results: list[Result] = []
    for kind in imports.MANY:
        costs = imports.measure(kind)
        rates = {what: imports.ROWS / cost.cpu for what, cost in costs.items()}
        start, bare, first, again = (cost.cpu for cost in costs.values())
        results += [
            Result(f"import.{kind}_rows_per_cpu_second", rates["first"], "1/s", rates["bare"],
                   (first - start) / (bare - start)),
            Result(f"import.{kind}_again_rows_per_cpu_second", rates["again"], "1/s", rates["first"],
                   (first - start) / (again - start)),
            Result(f"import.{kind}_peak_memory_mb", costs["first"].mb, "MB"),
        ]  # fmt: skip
    return results


def of_ledger(folder: Path) -> list[Result]:
    """The ledger's database work alone: claim, intend, record, and a gateway that costs nothing."""
    results = []
    for name, timer in (("second", time.perf_counter), ("cpu_second", time.process_time)):
        rate = median(partial(ledger.drain, folder, timer))
        floor = median(partial(ledger.bare_rows, folder, timer))
        results.append(Result(f"ledger.messages_per_{name}", rate, "1/s", floor, rate / floor))
    return results


def of_change(folder: Path, people: int = 100_000) -> list[Result]:
    """A status change and its undo, beside one bare UPDATE and INSERT … SELECT, on both databases."""
    results: list[Result] = []
    with running_postgres() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/change.db"), ("postgresql", server)):
            took = change.measure(people, url)
            bare = took["bare"]
            for step, seconds in (("apply", took["apply"]), ("undo", took["undo apply"])):
                results += [
                    Result(f"change.{step}_ratio_to_bare_{name}", seconds / bare, "", 1.0,
                           seconds / bare, change.BAR),
                    Result(f"change.{step}_patients_per_second_{name}", people / seconds, "1/s",
                           people / bare),
                ]  # fmt: skip
    return results


def of_kinds(folder: Path) -> list[Result]:
    """Each kind of operation: what a patient costs among 100,000, beside the same among 6,000."""
    results: list[Result] = []
    with running_postgres() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/kinds.db"), ("postgresql", server)):
            costs = kinds.both_sizes(url, kinds.CASES)
            results += [
                Result(f"kind.{kind}, {name}", many, "µs", few, many / few, kinds.BAR)
                for kind, (few, many) in costs.items()
                if ":" not in kind
            ]
    return results


def of_start(folder: Path) -> list[Result]:
    """How long somebody waits, as multiples of `cohort --help`."""
    with Pipeline(folder / "ten", 10, outbox=True) as pipeline:
        bare = median(lambda: start.help_seconds(pipeline))
        review, summary = start.message_ratios(pipeline)
        looks = start.look_ratios(pipeline)
    return [
        Result("start.help_seconds", bare, "s"),
        Result("start.review_to_help", review, "", 1.0, review, start.REVIEW_BAR),
        Result("start.summary_to_help", summary, "", 1.0, summary, start.SUMMARY_BAR),
        *(
            Result(f"start.{words}", ratio, "", 1.0, ratio, start.LOOK_BAR)
            for words, ratio in sorted(looks.items(), key=lambda each: -each[1])
        ),
    ]


def of_million(folder: Path) -> list[Result]:
    """One campaign of 1,000,000 to the outbox: once."""
    with Pipeline(folder / "million", 1_000_000, outbox=True) as pipeline:
        cost = measure_flow(pipeline)
    return [
        Result("million.seconds", cost["flow_wall"], "s"),
        Result("million.cpu_ms_per_message", 1e3 * cost["cpu"] / 1_000_000, "ms"),
        Result("million.peak_memory_mb", cost["peak_mb"], "MB"),
    ]


def of_workers(_folder: Path) -> list[Result]:
    """One campaign by one, two and four processes; the floor is one."""
    one, *more = workers.compare((1, 2, 4), people=20_000, latency_ms=20)
    results = [Result("workers.messages_per_second_1", one.rate, "1/s")]
    for sent in more:
        cost = (sent.own_ms + sent.database_ms) / (one.own_ms + one.database_ms)
        results += [
            Result(f"workers.messages_per_second_{sent.count}", sent.rate, "1/s", one.rate,
                   sent.rate / one.rate),
            Result(f"workers.cpu_ratio_to_one_{sent.count}", cost, "", 1.0, cost),
        ]  # fmt: skip
    return results


def of_history(_folder: Path, messages: int = 1_040_000) -> list[Result]:
    """What a year of messages costs each question, beside three weeks of them."""
    found = history.compare("postgresql", history.Size(messages))
    return [
        Result(f"history.{name}", large.pages, "pages", small.pages,
               large.pages / max(1, small.pages), history.BAR)
        for name, (small, large) in found.items()
    ]  # fmt: skip


def of_desk(folder: Path, rows: int = 100_000) -> list[Result]:
    """The staff's pages, beside one that has next to nothing on it."""
    home = folder / "desk"
    home.mkdir()
    with desk.running(home, rows) as found:
        floor = found.cpu_ms("/sessions")
        pages = {"list": "/messages", "poll": f"/messages/{found.large}/standing", "today": "/"}
        results = []
        for name, path in pages.items():
            cost = found.cpu_ms(path)
            results.append(
                Result(
                    f"desk.{name}_cpu_ms", cost, "ms", floor, cost / floor, desk.BARS[name] / floor
                )
            )
        first, later = found.weights_kb("/messages")
        return [
            *results,
            Result("desk.memory_mb", found.memory_mb(), "MB"),
            Result("desk.first_page_kb", first, "kB"),
            Result("desk.later_page_kb", later, "kB"),
        ]


PARTS: dict[str, Callable[[Path], list[Result]]] = {
    "start": of_start,
    "lists": of_lists,
    "imports": of_imports,
    "ledger": of_ledger,
    "pipeline": of_pipeline,
    "nightly": of_nightly,
    "change": of_change,
    "kinds": of_kinds,
    "workers": of_workers,
    "history": of_history,
    "desk": of_desk,
}


def show(results: list[Result]) -> None:
    """A table for people, and a file for programs."""
    table = Table("name", "value", "unit", "floor", "ratio", "bar", title="Cohort, measured")
    for result in results:
        floor = "" if result.floor is None else f"{result.floor:,.3g}"
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}"
        bar = "" if result.bar is None else f"≤ {result.bar:.2f}"
        table.add_row(result.name, f"{result.value:,.3g}", result.unit, floor, ratio, bar)
    Console().print(table)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "results.json").write_text(json.dumps([asdict(r) for r in results], indent=1))


def main() -> None:
    """Measure all of it, or what was chosen."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--million", action="store_true")
    arguments.add_argument("--only", choices=PARTS, action="append")
    arguments.add_argument("--people", type=int, default=100_000)
    chosen = arguments.parse_args()
    parts = PARTS | {"nightly": partial(of_nightly, people=chosen.people)}
    folder = Path(tempfile.mkdtemp(prefix="cohort-bench-"))
    results: list[Result] = []
    try:
        for name in chosen.only or parts:
            results += parts[name](folder)
            show(results)
        if chosen.million:
            results += of_million(folder)
            show(results)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
