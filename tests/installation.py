"""
A practice on this machine as its people have it: a home, a list, a gateway, and `cohort` typed in a terminal.

Each command is a process of its own, and the Prefect server is the installation's own, so that any of
them can be killed, and the machine's disk and database can fail under them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from cli.begin.start import set_up, write_settings
from clinic.practice.people import nhs_numbers
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.people import patient
from clinic.settings import Settings
from tasks.processes.environment import ROOT
from tests.fakes import mobile_of
from tests.ports import free_port
from tests.typed import Typed

TEXT = "The surgery is closed on Friday."


class Installation:
    """One home; `run` types a command and waits, `start` does not."""

    def __init__(
        self,
        folder: Path,
        *,
        gateway: str,
        people: int,
        url: str = "",
        gateway_class: str = "I",
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.home = folder / "home"
        self.url = url or f"sqlite:///{self.home / 'record.db'}"
        self.settings = self.home / "cohort.toml"
        self.port = free_port()
        self.home.mkdir(mode=0o700)
        values = {
            "home": str(self.home),
            "prefect_port": self.port,
            "operator": "anna",
            "organisation.name": "The practice",
            "organisation.phone": "029 2018 0123",
            "organisation.id_scheme": "generic",
            "phones.test_range": True,
            "hours.text": {},
            "hours.voice": {},
            "sms.url": gateway,
            "sms.token": "t",
            "sms.gateway_class": gateway_class,
            "sms.per_request": 10,
            "sms.connections": 1,
            "release.unusual_share": 1,  # everybody is messaged here
            "batch_size": 20,
            "lease_seconds": 15,
        }
        values |= {"record_url": url} if url else {}
        values |= more or {}
        self.values = values
        write_settings(self.settings, values)
        set_up(_settings(values))
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")
        } | {"COHORT_CONFIG": str(self.settings), "NO_COLOR": "1"}
        self.list = folder / "everybody.csv"
        self.list.write_text(
            "NHS Number\n" + "".join(f"{one}\n" for one in _fill(self.url, people))
        )

    def start(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Type `cohort …` and look away."""
        return subprocess.Popen(
            [sys.executable, "-c", "from cli.program import run; run()", *words],
            cwd=ROOT, env=self.environment | dict(environment or {}), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def end(self, process: subprocess.Popen[str]) -> Typed:
        """Wait for it."""
        out, err = process.communicate(timeout=400)
        return Typed(process.returncode, out, err)

    def run(self, *words: str, environment: Mapping[str, str] | None = None) -> Typed:
        """Type `cohort …`."""
        return self.end(self.start(*words, environment=environment))

    def must(self, *words: str) -> Typed:
        """The same, and it is done."""
        done = self.run(*words)
        assert done.code == 0, (words, done.out, done.err)
        return done

    def message(self) -> tuple[str, ...]:
        """The words that message everybody on the list."""
        return (
            "message",
            str(self.list),
            "--name",
            "Everybody",
            "--text",
            TEXT,
            "--purpose",
            "care",
            "--yes",
        )

    def kill_server(self) -> None:
        """The Prefect server dies at once."""
        os.kill(int((self.home / "prefect" / "cohort-server.pid").read_text()), signal.SIGKILL)


@contextlib.contextmanager
def installed(
    folder: Path, *, gateway: str, people: int, url: str = "", gateway_class: str = "I"
) -> Iterator[Installation]:
    """An installation; whatever it started has ended after the block."""
    made = Installation(
        folder, gateway=gateway, people=people, url=url, gateway_class=gateway_class
    )
    try:
        yield made
    finally:
        with contextlib.suppress(AssertionError):
            made.must("server", "stop")


def set_server(url: str, **values: str) -> None:
    """Set what the whole PostgreSQL server goes by from now on."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name, value in values.items():
            connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = {value}")
        connection.exec_driver_sql("SELECT pg_reload_conf(), pg_sleep(0.3)")
    engine.dispose()


def _settings(values: Mapping[str, Any]) -> Settings:
    nested: dict[str, Any] = {}
    for name, value in values.items():
        group, _, key = name.rpartition(".")
        (nested.setdefault(group, {}) if group else nested)[key] = value
    return Settings.model_validate(nested)


def _fill(url: str, people: int) -> list[str]:
    """Make patients up; their NHS numbers."""
    ids = np.arange(1, people + 1)
    numbers = [str(number) for number in nhs_numbers(ids, people)]
    record = Record.open(url)
    with record.write() as connection:
        insert_rows(
            connection,
            patient,
            ("id", "nhs_number", "given_name", "family_name", "mobile"),
            (
                (int(n), number, "Given", "Family", mobile_of(int(n)))
                for n, number in zip(ids, numbers, strict=True)
            ),
        )
    record.close()
    return numbers
