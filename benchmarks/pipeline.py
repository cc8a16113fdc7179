"""The whole flows, and the floor beside them, each in a process of its own against one local gateway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.people import book, fill
from tests.servers.prefect_server import free_port
from tests.servers.recorder import running_gateway

CONNECTIONS = 100
LATENCY_MS = 5


class Pipeline:
    """A home with a record of `people` (and their appointments), a list of all of them, a Prefect server."""

    def __init__(
        self, home: Path, people: int, *, outbox: bool = False, appointments: bool = False,
        per_request: int = 1,
    ) -> None:  # fmt: skip
        self.home, self.people, self.per_request = home, people, per_request
        self.outbox, self.appointments = outbox, appointments
        self.environment = os.environ | {
            "COHORT_HOME": str(home),
            "COHORT_CONFIG": os.devnull,
            "COHORT_NOTES_FOLDER": str(home / "notes"),
            "COHORT_PREFECT_PORT": str(free_port()),
            "COHORT_ORGANISATION__ID_SCHEME": "emis",
            "COHORT_ORGANISATION__CAMPAIGN_CAP": "1000000",
            "COHORT_RELEASE__UNUSUAL_SHARE": "1",  # everybody is messaged here
            "COHORT_CONTENT__CALLS_AN_HOUR": "1000000",  # judged, and let pass
            "COHORT_SMS__TOKEN": "t",
            "COHORT_OUTBOX": "true",
            "COHORT_SMS__PER_REQUEST": str(per_request),
            "COHORT_SMS__GATEWAY_CLASS": "I",
            "COHORT_SMS__CONNECTIONS": str(CONNECTIONS),
        }
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def __enter__(self) -> Self:
        self.home.mkdir(parents=True)
        url = f"sqlite:///{self.home / 'base.db'}"
        self.list = fill(url, self.people, self.home)
        if self.appointments:
            book(url, self.people)
        self.begin_anew()  # a server starts beside a record, not before it
        self._cohort("server", "start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cohort("server", "stop")
        shutil.rmtree(self.home, ignore_errors=True)

    def _cohort(self, *words: str) -> None:
        program = str(Path(sys.executable).with_name("cohort"))
        subprocess.run(
            [program, *words], env=self.environment, check=True, stdout=subprocess.DEVNULL
        )

    def begin_anew(self) -> None:
        """The record as it was filled, of which nobody was messaged."""
        # With all that the home knows of the last one: how long its trail was, what it is called, what it
        # sent. Another record in its place would be taken for a restored one, from which nothing is sent
        for name in (
            "record.db",
            "record.db-wal",
            "record.db-shm",
            "audit.anchor",
            "installation.json",
        ):
            (self.home / name).unlink(missing_ok=True)
        for name in ("witness", "notes"):
            shutil.rmtree(self.home / name, ignore_errors=True)
        shutil.copy(self.home / "base.db", self.home / "record.db")

    def run(self, *words: str, **more: str) -> dict[str, float]:
        """A module of ours; what it printed as JSON."""
        done = subprocess.run(
            [sys.executable, "-m", *words],
            env=self.environment | more,
            check=True,
            stdout=subprocess.PIPE,
        )
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        # There are no more numbers than these that are valid and never issued: later rows have none
        if found["sent"] != min(self.people, 909_090):
            raise RuntimeError(f"{found['sent']} of {self.people} were sent")
        return found


def measure_floor(pipeline: Pipeline) -> dict[str, float]:
    """The bare program's cost: `cpu` and `wall` seconds, `peak_mb`."""
    database = pipeline.home / "floor.db"
    database.unlink(missing_ok=True)
    with running_gateway(latency_ms=LATENCY_MS) as gateway:
        return pipeline.run(
            "benchmarks.floor",
            str(pipeline.list),
            str(database),
            gateway.url,
            str(CONNECTIONS),
            str(pipeline.per_request),
        )


def measure_flow(pipeline: Pipeline, *, template: str = "bench") -> dict[str, float]:
    """The main job's cost: `cpu`, `server_cpu`, `wall`, `flow_wall` seconds, `peak_mb`."""
    return _measure(pipeline, template, str(pipeline.list))


def measure_nightly(pipeline: Pipeline) -> dict[str, float]:
    """The nightly flow's cost, as `measure_flow`; the pipeline has appointments."""
    return _measure(pipeline, "--nightly")


def _measure(pipeline: Pipeline, *what: str) -> dict[str, float]:
    pipeline.begin_anew()
    if pipeline.outbox:
        return pipeline.run("benchmarks.job", *what)
    with running_gateway(latency_ms=LATENCY_MS) as gateway:
        return pipeline.run("benchmarks.job", *what, COHORT_SMS__URL=gateway.url)
