"""The facts and findings as Prometheus reads them: numbers and codes, nothing of a patient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from clinic.health.facts import Facts, RecordFacts
from clinic.health.findings import KINDS, Finding

Look = Callable[[], tuple[Facts, list[Finding]]]


class Health(Collector):
    """One answer to a scrape."""

    def __init__(self, look: Look) -> None:
        self._look = look

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every finding there can be as 0 or 1, so that a rule may say `== 1`, and the numbers behind."""
        facts, findings = self._look()
        wrong = {one.code for one in findings}
        family = GaugeMetricFamily(
            "cohort_finding", "1: found, see that heading of the runbook", labels=("code", "level")
        )
        for code, kind in KINDS.items():
            family.add_metric((code, kind.level), float(code in wrong))
        yield family
        yield from _instant("looked", "when all this was looked at", facts.at)
        yield from _record(facts.record if isinstance(facts.record, RecordFacts) else RecordFacts())
        polled = facts.prefect.polled_at if facts.prefect else None
        yield from _instant("worker_polled", "when a worker last asked for work", polled)
        disk = GaugeMetricFamily(
            "cohort_disk_free_ratio", "share of a disk left", labels=("place",)
        )
        for one in facts.disks:
            disk.add_metric((one.place,), one.free_share)
        yield disk
        ends = GaugeMetricFamily(
            "cohort_certificate_end_timestamp_seconds", "of a gateway", labels=("channel",)
        )
        for gateway in facts.gateways:
            if gateway.ends_at:
                ends.add_metric((gateway.channel,), gateway.ends_at.timestamp())
        yield ends


def _record(record: RecordFacts) -> Iterator[GaugeMetricFamily]:
    yield from _instant(
        "last_receipt", "when the newest delivery receipt came", record.last_receipt
    )
    yield from _instant("backup", "of the last cohort backup", record.backup_at)
    yield from _instant("reconciled", "when the flow `settle` last ended", record.watched_at)
    yield GaugeMetricFamily(
        "cohort_messages_awaiting_receipt", "overdue ones", value=record.awaiting
    )


def _instant(name: str, says: str, at: datetime | None) -> Iterator[GaugeMetricFamily]:
    if at is not None:
        yield GaugeMetricFamily(f"cohort_{name}_timestamp_seconds", says, value=at.timestamp())
