"""
The local Prefect server: a process of its own that outlives the command that started it.

    ensure_server   answers already? use it; otherwise start one and wait until it answers
    stop_server     end the one that we started
    server_status   where it is, whether it answers, whether it is ours

Where settings name a server (`prefect_api_url`), none is started: that one must answer.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any, Literal

from clinic.errors import MendableError
from clinic.settings import Settings
from tasks.processes.background import Background
from tasks.processes.database import prepare_database
from tasks.processes.environment import api_url, child_environment, prefect_home
from tasks.processes.login import authorization, ensure_login
from tasks.processes.proxies import is_loopback

START_SECONDS = 120
LATE_SECONDS = 60.0  # a server that is there and does not answer for so long is as good as gone
STOP_SECONDS = 20
_PATIENCE = 2.0  # seconds; what asks has other things to tell


Answer = Literal["yes", "late", "no"]


@dataclass(frozen=True)
class ServerStatus:
    """Where the server is, and what is known of it."""

    url: str
    answers: bool
    ours: bool
    pid: int | None

    @property
    def interface(self) -> str:
        """What to open in a browser."""
        return self.url.removesuffix("/api")


def server_status(settings: Settings) -> ServerStatus:
    """Ask the server; takes at most a few seconds, raises nothing."""
    url = api_url(settings)
    there = answer_of(settings) == "yes"
    ours = there and _is_ours(settings, url)
    return ServerStatus(url, there, ours, _process(settings).pid() if ours else None)


def answer_of(settings: Settings) -> Answer:
    """Whether a server answers now; late: one is there, and did not within two seconds. Raises nothing."""
    try:
        return "yes" if _ask(f"{api_url(settings)}/health") is True else "no"
    except TimeoutError:
        return "late"


def answers_at_last(settings: Settings, *, seconds: float = LATE_SECONDS) -> bool:
    """Whether one answers, if need be after a while: under load it answers late, and is there all the same."""
    until = time.monotonic() + seconds
    while (found := answer_of(settings)) == "late" and time.monotonic() < until:
        time.sleep(0.5)
    return found == "yes"


def ensure_server(settings: Settings, *, timeout: float = START_SECONDS) -> str:
    """
    The URL of a Prefect server that answers, started if need be.

    Raises:
        MendableError: the named server does not answer, the port is somebody else's, or the
            server did not start
    """
    if settings.prefect_api_url:
        url = api_url(settings)
        if not answers_at_last(settings):
            raise MendableError(
                "prefect-unreachable",
                f"no Prefect server answers at {url}: start it, or fix prefect_api_url",
            )
        return url
    status = server_status(settings)
    if not status.answers:
        _start(settings, timeout=timeout)
    elif status.ours and _get(f"{status.url}/admin/settings") is not None:
        raise MendableError(
            "prefect-no-login",
            f"the Prefect server at {status.url} was started by an earlier version and asks for no login: "
            "run `cohort server stop`, then `cohort server start`; what is being sent goes on",
        )
    elif not status.ours:
        raise MendableError(
            "prefect-port",
            f"another installation's Prefect server answers at {status.url}: "
            "choose a free port with prefect_port, or name that server in prefect_api_url",
        )
    return status.url


def stop_server(settings: Settings) -> bool:
    """Stop the server that we started; False where none of ours was running."""
    return _process(settings).stop(seconds=STOP_SECONDS)


def server_runs(settings: Settings) -> bool:
    """Whether the server that we started is alive."""
    return _process(settings).running()


def start_again(settings: Settings) -> bool:
    """Start one that has ended, without waiting until it answers; False where it runs."""
    prepare_database(settings)
    return _process(settings).start(
        ["-m", "prefect", "server", "start"], child_environment(settings)
    )


def ask_server(settings: Settings, path: str) -> Any:
    """The JSON at a path of the server's API; None where no server answers, or there is nothing there."""
    url = api_url(settings)
    if settings.prefect_api_url:
        login = settings.prefect_login.get_secret_value()
        return _get(f"{url}{path}", login or os.environ.get("PREFECT_API_AUTH_STRING"))
    return _get(f"{url}{path}", _login(settings)) if _process(settings).running() else None


def _start(settings: Settings, *, timeout: float) -> None:
    prepare_database(settings)
    server = _process(settings)
    ours = server.start(["-m", "prefect", "server", "start"], child_environment(settings))
    deadline = time.monotonic() + timeout
    while not server_status(settings).answers:
        if not server.running():
            says = server.last_lines()
            if "already in use" in says:
                says = (
                    f"another program is at its port {settings.prefect_port}; end that one, or choose another "
                    "port: prefect_port in the settings file"
                )
            raise MendableError(
                "prefect-start", f"Prefect's server ended at once: {says} (see {server.log})"
            )
        if time.monotonic() > deadline:
            if ours:  # one that somebody else just started may still come
                server.stop(seconds=STOP_SECONDS)
            raise MendableError(
                "prefect-start",
                f"Prefect's server did not answer within {timeout:.0f} s; see {server.log}",
            )
        time.sleep(0.05)


# Not `server`: server.pid in this folder is Prefect's own
def _process(settings: Settings) -> Background:
    return Background("cohort-server", prefect_home(settings))


def _is_ours(settings: Settings, url: str) -> bool:
    """
    Whether a server runs on this home. It is shown the login only while a server that we started
    lives: whoever else took the port could keep it.
    """
    if settings.prefect_api_url or not _process(settings).running():
        return False
    try:
        answer = _ask(f"{url}/admin/settings", _login(settings))
    except TimeoutError:
        return True  # under load ours answers late: no other program gets its port while it lives
    return isinstance(answer, dict) and answer.get("home") == str(prefect_home(settings))


def _login(settings: Settings) -> str:
    return ensure_login(prefect_home(settings))


# What is on this machine is never asked for through a proxy that the environment names
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_otherwise = urllib.request.build_opener()


def _get(url: str, login: str | None = None) -> Any:
    """The JSON at a URL; None where nothing (sensible) answers, or it is not for this login."""
    try:
        return _ask(url, login)
    except TimeoutError:
        return None


def _ask(url: str, login: str | None = None) -> Any:
    """
    The same, of a server that answers at once.

    Raises:
        TimeoutError: something is there, and did not answer in time
    """
    request = urllib.request.Request(url, headers=authorization(login) if login else {})
    way = _direct if is_loopback(url) else _otherwise
    try:
        with way.open(request, timeout=_PATIENCE) as response:
            return json.load(response)
    except TimeoutError:
        raise
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise error.reason from None
        return None
    except (OSError, ValueError):
        return None
