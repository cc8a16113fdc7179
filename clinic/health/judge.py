"""What is wrong, told from facts alone: the same for the command, the metrics and the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from clinic.health.facts import Disk, Facts, GatewayFacts, PrefectFacts, RecordFacts, Unusable
from clinic.health.findings import KINDS, Finding
from clinic.message.campaign.sending_stop import SAYS
from clinic.settings import Health

# `settle` runs every five minutes; three in a row that did not end well are no accident
RECONCILED_WITHIN: Final = timedelta(minutes=15)
TOLD_FOR: Final = timedelta(hours=12)  # who comes in the morning reads of the night


def judge(facts: Facts, limits: Health) -> list[Finding]:
    """Every finding, one a code: two disks that are full are one finding."""
    found: dict[str, list[str]] = {}
    for code, says in _all(facts, limits):
        found.setdefault(code, []).append(says)
    return [Finding(code, "; ".join(found[code])) for code in KINDS if code in found]


def judge_kept(record: RecordFacts, at: datetime, limits: Health) -> list[Finding]:
    """What is wrong with backups, and with the clock as the record knows it."""
    own = Facts(at=at, record=record, prefect=None)
    return [Finding(*one) for one in (*_backup(record, at, limits), *_clock(own, limits))]


def _all(facts: Facts, limits: Health) -> Iterator[tuple[str, str]]:
    yield from _prefect(facts.prefect, facts.at, limits)
    if facts.watch_gone:
        yield (
            "watch-gone",
            "the process that looks every minute has ended: nobody would be told if the worker did",
        )
    yield from _started_again(facts)
    if isinstance(facts.record, Unusable):
        code = facts.record.code if facts.record.code in KINDS else "record-unusable"
        yield code, f"{facts.record.code}: {facts.record.says}"
    else:
        yield from _sending(facts.record)
        yield from _tonight(facts.prefect, facts.record, facts.at)
        if facts.record.approvals:
            yield (
                "approvals-waiting",
                f"{facts.record.approvals:,} requests wait for a second approver",
            )
        yield from _receipts(facts.record, facts.at, limits)
        yield from _backup(facts.record, facts.at, limits)
        yield from _reconciling(facts.record, facts.at)
        if facts.record.odd_looks:
            yield (
                "odd-looks",
                f"looks at patients that somebody should ask about: {facts.record.odd_looks}",
            )
        if facts.record.service:
            yield "service-missing", facts.record.service
        yield from (("people-due", says) for says in facts.record.people)
        yield from (("source-behind", says) for says in facts.record.sources)
        yield from (("outside-behind", says) for says in facts.record.outside)
    for disk in facts.disks:
        yield from _disk(disk, limits)
    for gateway in facts.gateways:
        yield from _gateway(gateway, facts.at, limits)
    yield from _clock(facts, limits)


def _started_again(facts: Facts) -> Iterator[tuple[str, str]]:
    lately = [one for one in facts.started_again if facts.at - one[1] < TOLD_FOR]
    for name in dict.fromkeys(name for name, _ in lately):
        times = [at for one, at in lately if one == name]
        often = "once" if len(times) == 1 else f"{len(times)} times"
        yield (
            "ended-by-itself",
            f"the {name} ended by itself and was started again, {often} in 12 hours, last {_time(max(times))}",
        )


def _prefect(
    prefect: PrefectFacts | None, now: datetime, limits: Health
) -> Iterator[tuple[str, str]]:
    if prefect is None:
        yield (
            "prefect-unreachable",
            "no Prefect server of this installation answers: no scheduled run starts",
        )
        return
    if prefect.polled_at is None:
        yield "worker-gone", "no worker has ever asked for work: nothing that is due is started"
    elif now - prefect.polled_at > timedelta(seconds=limits.poll_seconds):
        yield (
            "worker-gone",
            f"no worker has asked for work since {_time(prefect.polled_at)}: nothing that is due is started",
        )
    if prefect.paused:
        yield (
            "queue-paused",
            "the queue of messages is paused: no scheduled campaign and no reminder is sent",
        )
    late = timedelta(minutes=limits.reminder_minutes)
    missed = prefect.reminders_state in ("SCHEDULED", "PENDING", "FAILED", "CRASHED", "CANCELLED")
    if prefect.reminders_due and missed and now - prefect.reminders_due > late:
        yield (
            "reminders-not-run",
            f"the reminders of {_time(prefect.reminders_due)} did not run: {prefect.reminders_state.lower()}",
        )
    if prefect.failed:
        yield "runs-failed", f"within 12 hours: {_counted(prefect.failed)}"
    if prefect.late and not prefect.paused:
        yield "runs-late", f"should have begun: {_counted(prefect.late)}"


def _tonight(
    prefect: PrefectFacts | None, record: RecordFacts, now: datetime
) -> Iterator[tuple[str, str]]:
    """Reminders that ran and reached nobody, though visits are to come."""
    if prefect is None or prefect.reminders_due is None or prefect.reminders_state != "COMPLETED":
        return
    if record.visits and not record.stopped and now - prefect.reminders_due < TOLD_FOR:
        yield (
            "reminders-none",
            f"{record.visits:,} visits of the next day were reminded of to nobody, though reminders ran at "
            f"{_time(prefect.reminders_due)}",
        )


def _counted(names: tuple[str, ...]) -> str:
    """`remind, settle (3)`."""
    counts = Counter(names)
    return ", ".join(f"{name} ({n})" if n > 1 else name for name, n in sorted(counts.items()))


def _sending(record: RecordFacts) -> Iterator[tuple[str, str]]:
    if record.stopped:
        yield "sending-stopped", f"nothing is sent: {SAYS.get(record.stopped, record.stopped)}"
    if record.refusing:
        yield "gateway-refusing", f"the gateway accepts nothing from {_campaigns(record.refusing)}"
    for says in record.out:
        yield "gateway-out", says
    if record.halted:
        yield "campaign-halted", f"{_campaigns(record.halted)} paused by itself: a person must look"


def _receipts(record: RecordFacts, now: datetime, limits: Health) -> Iterator[tuple[str, str]]:
    if record.not_understood:
        yield (
            "receipts-not-understood",
            f"{record.not_understood:,} receipts or replies of the last day were not understood: "
            "nothing was done about them",
        )
    if not record.awaiting:
        return
    limit = timedelta(hours=limits.receipt_hours)
    if record.last_receipt is None or now - record.last_receipt > limit:
        last = f"the last came {_time(record.last_receipt)}" if record.last_receipt else "none came"
        yield (
            "receipts-stopped",
            f"{record.awaiting:,} messages wait for delivery receipts, and {last}",
        )


def _backup(record: RecordFacts, now: datetime, limits: Health) -> Iterator[tuple[str, str]]:
    if not limits.backup_hours:
        return
    limit = timedelta(hours=limits.backup_hours)
    since = record.backup_at or record.created_at
    if since is not None and now - since > limit:
        last = (
            f"the last backup is of {_time(since)}"
            if record.backup_at
            else "no backup was ever made"
        )
        yield "backup-too-old", f"{last}: what came since would be lost with this machine"
    elif record.backup_at is not None:
        checked = record.backup_checked_at
        if record.backup_at - (checked or record.created_at or record.backup_at) > _UNCHECKED:
            yield (
                "backup-unchecked",
                "no backup of the last month was checked: whether it could be restored",
            )


_UNCHECKED: Final = timedelta(days=31)


def _reconciling(record: RecordFacts, now: datetime) -> Iterator[tuple[str, str]]:
    if record.watched_at is not None and now - record.watched_at > RECONCILED_WITHIN:
        yield (
            "reconciling-stopped",
            f"receipts, replies and what is due were last seen to {_time(record.watched_at)}",
        )


def _disk(disk: Disk, limits: Health) -> Iterator[tuple[str, str]]:
    if disk.free_share < limits.disk_free:
        left = disk.free_bytes / 1e9
        yield (
            "disk-nearly-full",
            f"the disk of {disk.place} has {left:,.1f} GB left, {disk.free_share:.0%} of it",
        )


def _gateway(gateway: GatewayFacts, now: datetime, limits: Health) -> Iterator[tuple[str, str]]:
    if gateway.expired:
        yield "certificate-expired", f"the certificate of the {gateway.channel} gateway has expired"
    elif gateway.fault:
        yield "gateway-unreachable", f"the {gateway.channel} gateway: {gateway.fault}"
    elif gateway.ends_at and gateway.ends_at - now < timedelta(days=limits.certificate_days):
        yield (
            "certificate-expiring",
            f"the certificate of the {gateway.channel} gateway ends {_time(gateway.ends_at)}",
        )


def _clock(facts: Facts, limits: Health) -> Iterator[tuple[str, str]]:
    """Ahead of others, or behind them, or behind what was already written by it."""
    others: list[tuple[str, float | None]] = [
        (f"the {gateway.channel} gateway's", gateway.ahead) for gateway in facts.gateways
    ]
    if facts.prefect is not None:
        others.append(("the Prefect server's", facts.prefect.ahead))
    if isinstance(facts.record, RecordFacts):
        others.append(("the database server's", facts.record.ahead))
        if facts.record.latest is not None:
            behind = (facts.at - facts.record.latest).total_seconds()
            others.append(("the last time in the record", min(behind, 0.0)))
    for whose, ahead in others:
        if ahead is not None and abs(ahead) > limits.clock_seconds:
            way = "ahead of" if ahead > 0 else "behind"
            yield "clock-off", f"the clock here is {abs(ahead):,.0f} s {way} {whose}"


def _campaigns(numbers: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"campaign{'s' if len(numbers) > 1 else ''} {shown}{more}"


def _time(instant: datetime) -> str:
    return f"{instant:%-d %b %Y %H:%M} UTC"
