"""A look at this installation: record, Prefect, workers; for `cohort health` and what serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.wiring import open_record

if TYPE_CHECKING:
    from clinic.health.facts import Facts, RecordFacts, Unusable
    from clinic.health.findings import Finding
    from clinic.settings import Settings


def look_now(settings: Settings) -> tuple[Facts, list[Finding]]:
    """All the looks, and what is wrong."""
    from clinic.clock import SystemClock
    from tasks.health import look
    from tasks.processes.environment import apply_environment
    from tasks.processes.server import server_status

    if server_status(settings).answers:
        apply_environment(settings)
    return look(settings, SystemClock(), read_record(settings))


def read_record(settings: Settings) -> RecordFacts | Unusable:
    """What the record knows, or why it cannot be asked."""
    from clinic.clock import SystemClock
    from clinic.errors import CohortError
    from clinic.health.facts import Unusable
    from clinic.health.record_facts import read_facts
    from clinic.record.outage import outage

    try:
        with open_record(settings) as record:
            return read_facts(record, SystemClock(), settings)
    except CohortError as error:
        return Unusable(error.code, error.says)
    except Exception as error:
        if (known := outage(error)) is None:
            raise
        return Unusable(known.code, known.says)
