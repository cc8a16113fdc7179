"""Prefect's server goes away while work is done: nothing fails for it, and nobody waits."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
    temporary_settings,
)

from cli.prefect_gone import (
    LATE,
    LATE_SECONDS,
    SILENT_SECONDS,
    ServerGone,
    Watch,
    is_gone,
    run_beside,
)
from clinic.errors import Incomplete, MendableError
from clinic.settings import Settings
from tasks.guard.asking import RETRIES, quickly
from tasks.guard.decorators import Unforeseen
from tasks.processes.server import Answer, answer_of, answers_at_last
from tasks.runs import runs
from tasks.show.artifacts import QUIET_SECONDS, Drawing
from tests.ports import free_port


class Server:
    """Draws while it is there, and counts who asked."""

    def __init__(self, says: Exception) -> None:
        self.there = True
        self.asked = 0
        self._says = says

    def draw(self, what: str) -> str:
        """The artifact."""
        self.asked += 1
        if not self.there:
            raise self._says
        return f"drawn: {what}"


def answered(status: int) -> PrefectHTTPStatusError:
    """What Prefect's client raises after its last attempt."""
    request = httpx.Request("POST", "http://127.0.0.1/api/artifacts/")
    response = httpx.Response(status, request=request, json={"detail": "database is locked"})
    return PrefectHTTPStatusError(f"{status}", request=request, response=response)


@pytest.mark.parametrize("says", [httpx.ConnectError("refused"), answered(503)])
def test_what_cannot_be_drawn_fails_nothing_and_is_tried_again_after_a_while(
    says: Exception,
) -> None:
    clock = [0.0]
    server = Server(says)
    draw = Drawing(now=lambda: clock[0]).wrap(server.draw)
    assert draw("one") == "drawn: one"

    server.there = False
    assert [draw("two"), draw("three"), draw("four")] == [None, None, None]
    assert server.asked == 2  # each further attempt would have cost seconds

    server.there = True
    clock[0] = QUIET_SECONDS + 1
    assert draw("five") == "drawn: five"


@pytest.mark.parametrize("error", [ValueError("no such key"), answered(422)])
def test_what_prefect_refuses_is_still_a_fault(error: Exception) -> None:
    def refuse() -> None:
        raise error

    with pytest.raises(type(error)):
        Drawing().wrap(refuse)()


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (httpx.ConnectError("refused"), True),
        (ServerGone(), True),
        (Unforeseen("unforeseen", "ConnectError at client.py:1"), True),
        (MendableError("list-empty", "the list is empty"), False),
        (Incomplete("waiting", "3 messages wait"), False),
    ],
)
def test_only_what_is_nobodys_else_fault_is_laid_to_a_server_that_is_gone(
    tmp_path: Path, error: Exception, gone: bool
) -> None:
    parts = SimpleNamespace(settings=Settings(home=tmp_path, prefect_port=free_port()))
    assert is_gone(parts, error) is gone  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "gone", "said"),
    [
        ([(0, "yes"), (3, "yes"), (60, "yes")], False, 0),
        ([(0, "yes"), (1, "no"), (3, "no"), (3.9, "no")], False, 0),  # restarted meanwhile
        ([(0, "yes"), (1, "no"), (4, "no")], True, 0),
        ([(0, "yes"), (3, "no"), (5, "yes"), (8, "no")], False, 0),  # a pause, and it answers
        ([(3, "no"), (4.5, "no")], True, 0),
        # A busy machine: it is there, and answers late
        ([(2, "late"), (5, "late"), (30, "late"), (59, "late")], False, 1),
        ([(2, "late"), (5, "late"), (60, "late")], True, 1),
        ([(30, "late"), (55, "yes"), (90, "late")], False, 1),
        ([(30, "late"), (33, "no"), (34, "no")], True, 1),  # and then it died
        ([(2, "late"), (3, "yes")], False, 0),
    ],
)
def test_a_server_is_gone_once_nobody_was_there_for_some_seconds_and_a_busy_one_is_waited_for(
    seen: list[tuple[float, Answer]], gone: bool, said: int
) -> None:
    assert (SILENT_SECONDS, LATE_SECONDS) == (4.0, 60.0)
    clock, there, told = [0.0], ["yes"], list[str]()
    watch = Watch(lambda: there[0], now=lambda: clock[0], say=told.append)  # type: ignore[arg-type,return-value]
    for clock[0], there[0] in seen:
        found = watch.is_gone()
    assert (found, told) == (gone, [LATE] * said)


def test_a_server_that_answers_late_is_there(tmp_path: Path) -> None:
    """It takes the connection, as the machine does for it, and answers once it comes to it."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        own = Settings(home=tmp_path, prefect_port=door.getsockname()[1])
        assert answer_of(own) == "late"
        assert not answers_at_last(own, seconds=0)

        def serve() -> None:
            while True:
                try:
                    visitor, _ = door.accept()
                except OSError:
                    return
                with visitor:
                    visitor.recv(65_536)
                    visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")

        threading.Thread(target=serve, daemon=True).start()
        assert answers_at_last(own)
        door.shutdown(socket.SHUT_RDWR)
    assert answer_of(own) == "no"


class Silent(Watch):
    """Silent from the first time it is asked."""

    def __init__(self) -> None:
        super().__init__(lambda: "no", now=iter([0.0, 9.0]).__next__)


def test_a_flow_that_waits_for_a_dead_server_is_not_waited_for() -> None:
    never = threading.Event()
    with pytest.raises(ServerGone):
        run_beside(never.wait, Silent())
    never.set()


def test_what_a_flow_gives_or_raises_comes_through() -> None:
    assert run_beside(lambda: 7, Silent()) == 7

    def fail() -> int:
        raise Incomplete("waiting", "3 messages wait")

    with pytest.raises(Incomplete, match="3 messages wait"):
        run_beside(fail, Silent())


def test_the_process_ends_without_waiting_for_threads_that_would_tell_the_server() -> None:
    waits = (
        "import threading, time; from cli import prefect_gone as gone;"
        "threading.Thread(target=time.sleep, args=(600,)).start(); gone._leave = True;"
        "print('said'); gone.end(4)"
    )
    done = subprocess.run(
        [sys.executable, "-c", waits], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout) == (4, "said\n")


@pytest.fixture
def dying() -> Iterator[tuple[str, list[int]]]:
    """A server that takes a request and dies before it answers: its address, and how often it was asked."""
    asked: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]

        def die() -> None:
            while True:
                try:
                    visitor, _ = door.accept()
                except OSError:
                    return
                with visitor:
                    visitor.recv(65_536)
                    asked.append(1)

        threading.Thread(target=die, daemon=True).start()
        yield f"http://127.0.0.1:{port}/api", asked
        door.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(("status", "code"), [(503, "prefect-busy"), (409, None)])
def test_what_a_command_asks_of_a_busy_server_is_told_in_a_sentence(
    status: int, code: str | None
) -> None:
    """And not by the name of a class; what is no matter of being busy stays what it is."""
    with pytest.raises((MendableError, PrefectHTTPStatusError)) as told, quickly():
        raise answered(status)
    assert getattr(told.value, "code", None) == code


def test_what_a_command_asks_of_a_server_that_answers_late_is_not_told_as_its_end() -> None:
    with pytest.raises(MendableError, match="does not answer yet") as told, quickly():
        raise httpx.ReadTimeout("")
    assert told.value.code == "prefect-busy"


def test_what_a_command_asks_of_a_server_that_dies_is_told_in_a_sentence_and_soon(
    dying: tuple[str, list[int]],
) -> None:
    """2.6: operations, notices, decisions: two attempts where Prefect by itself makes six."""
    url, asked = dying
    here = {PREFECT_API_URL: url, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False}
    with temporary_settings(here), pytest.raises(MendableError) as told, quickly():
        runs.resume(uuid4())
    assert told.value.code == "prefect-gone"
    assert "cohort server start" in told.value.says
    assert len(asked) == 1 + RETRIES
