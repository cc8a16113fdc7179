"""An installation as its people use it: the program `cohort`, run in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.program import app
from clinic.clock import SystemClock
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.audit.key import unlock
from clinic.message.sending.restore_guard import Home, register
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import installation
from tests.fakes import quick_hash

SECRET = "correct horse battery staple"


class Office:
    """One home and one record. `run` types a command; secrets go in by file descriptor."""

    def __init__(self, home: Path, record: Record) -> None:
        self.home = home
        self.url = record.engine.url.render_as_string()
        with record.read() as connection:
            is_set_up = connection.scalar(sa.select(installation.c.id)) is not None
        if (
            is_set_up
        ):  # as `cohort init` does: a home that never worked with it might have lost what was sent
            register(record, Home(home))
        self.environment = {
            "COHORT_HOME": str(home),
            "COHORT_RECORD_URL": self.url,
            "COHORT_CONFIG": os.devnull,
            "COHORT_OPERATOR": "mia",
            "NO_COLOR": "1",
        }

    def run(
        self,
        *arguments: str,
        me: str | None = None,
        secret: str | None = None,
        new_secret: str | None = None,
        typed: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Type `cohort …`; `me` gives one's name and, unless told otherwise, the right secret."""
        words = list(arguments)
        if me is not None:
            words += ["--operator", me]
            secret = SECRET if secret is None else secret
        if secret is not None:
            words += ["--password-fd", str(descriptor(secret))]
        if new_secret is not None:
            words += ["--new-password-fd", str(descriptor(new_secret))]
        return CliRunner().invoke(
            app, words, input=typed, env={**self.environment, **(environment or {})}
        )

    def rows(self, *arguments: str, **given: Any) -> Any:
        """What a command says with --json."""
        result = self.run(*arguments, "--json", **given)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def open(self) -> Record:
        """The record, past the program."""
        return unlock(Record.open(self.url), self.home)


def descriptor(secret: str) -> int:
    """An open file descriptor from which a secret can be read; the program closes it."""
    readable, writable = os.pipe()
    os.write(writable, f"{secret}\n".encode())
    os.close(writable)
    return readable


def hire(office: Office, *, but: str = "") -> None:
    """root (admin), ann (operator), mia and max (managers); everybody's secret is SECRET."""
    roles = {"root": "admin", "ann": "operator", "mia": "manager", "max": "manager"}
    record = office.open()
    with record.write() as connection:
        rows = [
            {
                "name": name,
                "role": role,
                "secret_hash": quick_hash(SECRET),
                "created_at": datetime.now(UTC),
                "created_by": "root",
            }
            for name, role in roles.items()
            if name != but
        ]
        connection.execute(operator.insert(), rows)
    record.close()


def ask(office: Office, **changes: Any) -> int:
    """What an operation does when its review is ready."""
    asked: dict[str, Any] = {
        "subject": "operation",
        "subject_id": 7,
        "kind": "status",
        "digest": "a" * 64,
        "requested_by": "ann",
        "summary": {"patients": 3},
        "reason": "facility closes",
        "flow_run_id": None,
        "expires_in": timedelta(days=1),
    }
    record = office.open()
    with record.write() as connection:
        number = request_approval(connection, SystemClock(), **(asked | changes))
    record.close()
    return number
