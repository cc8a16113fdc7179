"""
What is wrong with this installation: all the looks together, and an event when something begins or ends.

`settle` asks every five minutes, the watch (cli/begin/watching.py) every minute; both tell the same, once,
by events (clinic/health/noted.py) and by e-mail. A worker that is gone runs no `settle`: then only the
watch tells.
"""

from __future__ import annotations

from collections.abc import Callable

from clinic.clock import Clock
from clinic.health.facts import Facts, PrefectFacts, RecordFacts, Unusable
from clinic.health.findings import Finding
from clinic.health.judge import judge
from clinic.health.noted import News, note_findings, note_told
from clinic.health.probes import look_at_disks, look_at_gateways
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.processes import identity
from tasks.processes.revive import started_again
from tasks.processes.server import server_status
from tasks.processes.watcher import watch_gone


def look(
    settings: Settings, clock: Clock, record: RecordFacts | Unusable
) -> tuple[Facts, list[Finding]]:
    """
    Everything that can be observed, and what is wrong with it.

    Call `apply_environment` first: this imports prefect, if its server answers.
    """
    facts = Facts(
        clock.now(),
        record,
        ask_prefect(settings, clock),
        look_at_disks(settings),
        look_at_gateways(settings, clock),
        watch_gone(settings),
        started_again(settings),
    )
    return facts, judge(facts, settings.health)


def ask_prefect(settings: Settings, clock: Clock) -> PrefectFacts | None:
    """What Prefect's server knows; None where none of this installation answers."""
    status = server_status(settings)
    if not status.answers or not (status.ours or settings.prefect_api_url):
        return None
    who = identity.known(settings)
    if who is None:
        return None
    from tasks.prefect.prefect_facts import read_prefect

    return read_prefect(clock, who)


def tell_findings(
    record: Record, clock: Clock, findings: list[Finding], tell: Callable[[News], bool]
) -> News:
    """Tell what began and what ended since the last look, and note it if it was told."""
    news = note_findings(record, clock, findings)
    if (news.begun or news.ended) and tell(news):
        note_told(record, news)
    return news
