"""An installation as its people use it: the program `cohort`, run in this process."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from typer.testing import CliRunner, Result

from cli.acting import ACTING, LOOKING, need_of
from cli.program import app
from clinic.clock import SystemClock
from clinic.govern.approvals.approvals import request_approval
from clinic.govern.audit.key import unlock
from clinic.govern.sessions.terminal import mark_of
from clinic.message.sending.restore_guard import Home, register
from clinic.record.database import Record
from clinic.record.private import open_private
from clinic.record.schema.govern import operator
from clinic.record.schema.govern import sign_in as table
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
        self.looks = False  # whether somebody is signed in for as long as a command that only looks

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
        known = {**self.environment, **(environment or {})}
        looking = self.looks and secret is None and only_looks(arguments)
        with signed_in(self, known["COHORT_OPERATOR"]) if looking else nullcontext():
            return CliRunner().invoke(app, words, input=typed, env=known)

    def rows(self, *arguments: str, **given: Any) -> Any:
        """What a command says with --json."""
        result = self.run(*arguments, "--json", **given)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def open(self) -> Record:
        """The record, past the program."""
        return unlock(Record.open(self.url), self.home)


def only_looks(words: Sequence[str]) -> bool:
    """Whether it is a command that shows something and acts on nothing."""
    typed = [" ".join(words[:number]) for number in (3, 2, 1)]
    path = next((each for each in typed if each in (ACTING.keys() | LOOKING)), "")
    return path == "audit list" or (path in LOOKING and need_of(path) is not None)


@contextmanager
def signed_in(office: Office, name: str) -> Iterator[None]:
    """As after `cohort sign-in NAME`, but quick and not on the trail; whoever was signed in is so again."""
    record, file = office.open(), office.home / f"signed-in-{os.getuid()}"
    before = file.read_bytes() if file.exists() else None
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    own = (table.c.operator == name) & (table.c.account == os.getuid())
    with record.write() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(table).where(own)).mappings()]
        connection.execute(table.delete().where(own))
        mark = mark_of(connection, "a token", name, ends)
        row = {"operator": name, "account": os.getuid(), "mark": mark, "ends_at": ends}
        connection.execute(table.insert().values(**row))
    with open_private(file, encoding="utf-8") as text:
        text.write(f"{name}\na token\n")
    try:
        yield
    finally:
        file.unlink() if before is None else file.write_bytes(before)
        with record.write() as connection:
            connection.execute(table.delete().where(own))
            if rows:
                connection.execute(table.insert(), rows)
        record.close()


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
    office.looks = True


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
