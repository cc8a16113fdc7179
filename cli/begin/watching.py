"""
The watch: a process that looks every minute, and tells what began or ended: by e-mail and by events.

`cohort server start` starts it in the background, where it also starts a server or worker again that ended
by itself; `cohort health serve` is the same under a supervisor, with /metrics of what it saw last. It needs
no worker, so it can tell that none is there, and neither Prefect nor the record to write an e-mail. An
event that cannot be told now is told later.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from cli.begin.looking import look_now
from cli.wiring import get_settings, open_record

if TYPE_CHECKING:
    from clinic.health.facts import Facts
    from clinic.health.findings import Finding
    from clinic.health.noted import News
    from clinic.settings import Settings

    Look = Callable[[], tuple[Facts, list[Finding]]]

EVERY_SECONDS: Final = 60.0


class Watch:
    """What was seen last. `look`: looks; `tell`: hears of each look; `revive`: done before each."""

    def __init__(
        self,
        look: Look,
        tell: Callable[[Facts, list[Finding]], object],
        revive: Callable[[], object] = lambda: None,
    ) -> None:
        self._look = look
        self._tell = tell
        self._revive = revive
        self._seen: tuple[Facts, list[Finding]] | None = None

    def seen(self) -> tuple[Facts, list[Finding]]:
        """What was seen last; before anything was, what is seen now."""
        return self._seen or self._look()

    def run(self, stop: threading.Event, every: float = EVERY_SECONDS) -> None:
        """Look and tell, until stopped."""
        while True:
            _whatever_happens(self._revive)
            _whatever_happens(self._look_and_tell)
            if stop.wait(every):
                return

    def _look_and_tell(self) -> None:
        self._seen = self._look()
        self._tell(*self._seen)


def _whatever_happens(step: Callable[[], object]) -> None:
    """A look that fails, the first one too, must not end the looking."""
    try:
        step()
    except Exception as error:
        from tasks.guard.scrub import where

        at = datetime.now(UTC).isoformat(timespec="seconds")
        place = where(error.__traceback__)
        sys.stderr.write(f"{at} a look failed: {type(error).__name__} at {place}\n")


def watch(settings: Settings, *, metrics: tuple[str, int] | None = None) -> None:
    """Look until the process is told to end, and serve /metrics at an address and port, if given."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    teller = Teller(settings)
    if metrics is None:
        from tasks.processes.revive import reviver_of

        reviver = reviver_of(settings)
        Watch(lambda: look_now(teller.settings_now()), teller.tell, reviver.look).run(stop)
        return
    watching = Watch(lambda: look_now(teller.settings_now()), teller.tell)
    from prometheus_client import CollectorRegistry, start_http_server

    from clinic.health.metrics import Health

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Health(watching.seen))
    server, thread = start_http_server(metrics[1], metrics[0], registry)
    try:
        watching.run(stop)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Teller:
    """Tells Prefect and people, whichever can be reached. `write`: by the gateway for e-mail if not given."""

    def __init__(self, settings: Settings, write: Callable[[News], bool] | None = None) -> None:
        from clinic.health.mailed import RecordAway

        self._settings = settings
        self._write = write or self._by_mail
        self._away = RecordAway()

    def settings_now(self) -> Settings:
        """As the file has them now; as they were, while it has an error."""
        from clinic.errors import SettingsWrong

        with contextlib.suppress(SettingsWrong):
            self._settings = get_settings()
        return self._settings

    def tell(self, facts: Facts, findings: list[Finding]) -> None:
        """Tell what is news. While Prefect is away, its events wait; while the record is, all else does."""
        from clinic.clock import SystemClock
        from clinic.errors import CohortError
        from clinic.health.facts import Unusable
        from clinic.health.mailed import mail_findings
        from clinic.health.noted import note_findings
        from tasks.health import tell_findings
        from tasks.processes import identity

        if isinstance(facts.record, Unusable):
            self._away.away(findings, self._write)
            return
        self._away.back(self._write)
        clock = SystemClock()
        try:
            with open_record(self._settings) as record:
                who = identity.known(self._settings)
                if facts.prefect is None or who is None:
                    note_findings(record, clock, findings)
                else:
                    from tasks.prefect.health_events import health_news  # imports prefect

                    tell_findings(record, clock, findings, partial(health_news, who))
                mail_findings(record, clock, findings, self._write)
        except CohortError:
            return  # the record went away since the look: the next one says so

    def _by_mail(self, news: News) -> bool:
        from clinic.clock import SystemClock
        from clinic.health.letter import write_to_people

        return write_to_people(self._settings, SystemClock(), news)


if __name__ == "__main__":  # tasks/processes/watcher.py starts it
    watch(get_settings())
