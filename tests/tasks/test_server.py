"""The local server: what is told when it cannot be had. (That it can: tests/flows/test_platform.py.)"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.database import migrated_template, prepare_database
from tasks.environment import prefect_home
from tasks.processes import Background
from tasks.server import ensure_server, server_status, stop_server
from tests.prefect_server import free_port


class OtherPrefect(BaseHTTPRequestHandler):
    """As much of a Prefect server as `server_status` looks at; it serves another home."""

    def do_GET(self) -> None:
        answers = {"/api/health": True, "/api/admin/settings": {"home": "/home/other/.prefect"}}
        self.send_response(200 if self.path in answers else 404)
        self.end_headers()
        self.wfile.write(json.dumps(answers.get(self.path)).encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


class NotPrefect(OtherPrefect):
    """Some other program that has the port."""

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()


@pytest.fixture(params=[OtherPrefect, NotPrefect])
def stranger(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that is not ours."""
    with ThreadingHTTPServer(("127.0.0.1", 0), request.param) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_a_port_that_somebody_else_has_is_told(stranger: int, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prefect_port=stranger)
    with pytest.raises(MendableError, match=r"another|already in use") as refused:
        ensure_server(settings)
    assert refused.value.code in {"prefect-port", "prefect-start"}
    assert not server_status(settings).ours
    assert not stop_server(settings)


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
    """Issue 21, §2.4: a command ends only what it started itself."""
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


def test_a_database_that_exists_is_left_as_it_is(tmp_path: Path) -> None:
    database = prepare_database(Settings(home=tmp_path))
    database.write_bytes(b"with runs in it")
    assert prepare_database(Settings(home=tmp_path)).read_bytes() == b"with runs in it"
