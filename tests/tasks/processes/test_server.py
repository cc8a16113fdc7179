"""
The local server: what is told when it cannot be had. (That it can: tests/flows/platform/test_platform.py.)
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.database import give_back, migrated_template, prepare_database
from tasks.processes.environment import prefect_home
from tasks.processes.server import ensure_server, server_status, stop_server
from tests.ports import free_port


class OtherPrefect(BaseHTTPRequestHandler):
    """As much of a Prefect server as `server_status` looks at; it serves another home."""

    def do_GET(self) -> None:
        answers = {"/api/health": True, "/api/admin/settings": {"home": "/home/other/.prefect"}}
        self.send_response(200 if self.path in answers else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answers.get(self.path)).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


class BusyPrefect(OtherPrefect):
    """One that says it is there, and has no time for more until it is told."""

    enough = threading.Event()

    def do_GET(self) -> None:
        if self.path != "/api/health":
            self.enough.wait(60)
        super().do_GET()


class NotPrefect(OtherPrefect):
    """Some other program that has the port."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()


@contextlib.contextmanager
def serving(what: type[OtherPrefect]) -> Iterator[int]:
    """Its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), what) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(params=[OtherPrefect, NotPrefect])
def stranger(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that is not ours."""
    with serving(request.param) as port:
        yield port


def test_a_port_that_somebody_else_has_is_told(stranger: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prefect_port=stranger)
    with pytest.raises(MendableError, match=r"another|already in use") as refused:
        ensure_server(settings)
    assert refused.value.code in {"prefect-port", "prefect-start"}
    assert not server_status(settings).ours
    assert not stop_server(settings)


def test_our_own_server_that_is_slow_to_answer_is_not_taken_for_anothers(tmp_path: Path) -> None:
    """A full machine; whoever reads "choose another port" would leave the runs behind."""
    with serving(BusyPrefect) as port:
        settings = Settings(home=tmp_path, prefect_port=port)
        assert not server_status(settings).ours  # none of ours lives: a stranger, however slow
        ours = Background("cohort-server", prefect_home(settings))
        assert ours.start(["-c", "import time; time.sleep(300)"], os.environ)
        try:
            status = server_status(settings)
            assert (status.answers, status.ours) == (True, True)
            assert ensure_server(settings) == status.url
        finally:
            BusyPrefect.enough.set()
            ours.stop(seconds=20)


def test_a_named_server_that_does_not_answer_is_told_and_none_is_started(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/api"
    with pytest.raises(MendableError, match="prefect-unreachable") as refused:
        ensure_server(Settings(home=tmp_path, prefect_api_url=url))
    assert url in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_takes_too_long_is_stopped_and_its_log_named(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prefect_port=free_port())
    with pytest.raises(MendableError, match="prefect-start") as refused:
        ensure_server(settings, timeout=0)
    assert "server.log" in str(refused.value)
    assert not stop_server(settings)


def test_a_server_that_another_call_started_is_not_stopped_when_it_takes_too_long(
    tmp_path: Path,
) -> None:
    """A command ends only what it started itself."""
    settings = Settings(home=tmp_path, prefect_port=free_port())
    others = Background("cohort-server", prefect_home(settings))
    assert others.start(["-c", "import time; time.sleep(300)"], os.environ)
    with pytest.raises(MendableError, match="prefect-start"):
        ensure_server(settings, timeout=0)
    assert others.running()
    others.stop(seconds=20)


def test_the_database_is_migrated_once_for_all_homes(tmp_path: Path) -> None:
    template = migrated_template()
    written = template.stat().st_mtime_ns
    database = prepare_database(Settings(home=tmp_path))
    assert template.stat().st_mtime_ns == written
    assert database.read_bytes() == template.read_bytes()
    assert database.parent.stat().st_mode & 0o077 == 0


def _filled(database: Path, rows: int) -> sqlite3.Connection:
    """Ten megabytes of rows, of which so many are left; and a WAL, as Prefect's server leaves it."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, body BLOB)")
    connection.executemany(
        "INSERT INTO kept VALUES (?, zeroblob(10000))", ((n,) for n in range(1000))
    )
    connection.execute("DELETE FROM kept WHERE id >= ?", (rows,))
    connection.commit()
    return connection


@pytest.mark.parametrize(("rows", "smaller"), [(100, True), (900, False)])
def test_a_database_that_is_mostly_empty_gives_its_room_back_at_a_start(
    tmp_path: Path, rows: int, smaller: bool
) -> None:
    """What an earlier version kept for 90 days does not stay on the disk for ever."""
    path = tmp_path / "prefect.db"
    _filled(path, rows).close()
    assert give_back(path, least=1_000_000) is smaller
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (rows,)
    assert (path.stat().st_size < 2_000_000) is smaller
    assert give_back(path) is False


def test_a_database_in_use_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "prefect.db"
    with contextlib.closing(_filled(path, 100)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        assert give_back(path, least=1_000_000) is False


def test_a_database_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    database = prepare_database(Settings(home=tmp_path))
    database.write_bytes(b"with runs in it")
    assert prepare_database(Settings(home=tmp_path)).read_bytes() == b"with runs in it"
