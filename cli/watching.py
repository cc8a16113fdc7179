"""
The process of `cohort health serve`: looks every minute, tells what began or ended, serves what it saw last.

It needs no worker, so it can tell that none is there. What cannot be told now, since Prefect or the record is
away, is told later; the metrics have it at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from cli.looking import look_now
from cli.wiring import open_record

if TYPE_CHECKING:
    from clinic.health.facts import Facts
    from clinic.health.findings import Finding
    from clinic.settings import Settings

    Look = Callable[[], tuple[Facts, list[Finding]]]

EVERY_SECONDS: Final = 60.0


class Watch:
    """What was seen last. `look`: looks; `tell`: hears of each look."""

    def __init__(self, look: Look, tell: Callable[[Facts, list[Finding]], object]) -> None:
        self._look = look
        self._tell = tell
        self._seen = look()

    def seen(self) -> tuple[Facts, list[Finding]]:
        """What was seen last."""
        return self._seen

    def run(self, stop: threading.Event, every: float = EVERY_SECONDS) -> None:
        """Tell and look, until stopped."""
        while True:
            self._tell(*self._seen)
            if stop.wait(every):
                return
            self._seen = self._look()


def watch(settings: Settings, *, host: str, port: int) -> None:
    """Serve and look until the process is told to end."""
    from prometheus_client import CollectorRegistry, start_http_server

    from clinic.health.metrics import Health

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    watching = Watch(lambda: look_now(settings), lambda *seen: tell(settings, *seen))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Health(watching.seen))
    server, thread = start_http_server(port, host, registry)
    try:
        watching.run(stop)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tell(settings: Settings, facts: Facts, findings: list[Finding]) -> None:
    """Tell Prefect, if it and the record are there."""
    from clinic.clock import SystemClock
    from clinic.errors import CohortError
    from clinic.health.facts import Unusable
    from tasks.health import tell_findings

    if facts.prefect is None or isinstance(facts.record, Unusable):
        return
    from tasks.events import health_news

    try:
        with open_record(settings) as record:
            tell_findings(record, SystemClock(), findings, health_news)
    except CohortError:
        return  # the record went away since the look: the next one says so
