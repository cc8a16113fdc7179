"""
One campaign, sent by several processes from one ledger: as `send_beside` does it, without Prefect.

The first takes all steps up to the release; then as many as are wanted send whatever batch is free.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from clinic.clock import SystemClock
from clinic.gateway.choose import gateway_for
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.prepare.approve import release_campaign
from clinic.message.prepare.stage import stage
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import Ledger
from clinic.message.sending.restore_guard import Home, notes_of, register
from clinic.message.sending.worker import Worker
from clinic.message.template.variables import Setting
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.settings import Pace, Pacing, Settings
from data_checks.cohort import check_cohort
from tests.kill.job import Job, settings_of

SENDERS = 2  # threads of each process


@dataclass(frozen=True)
class Share:
    """A process's part of the work. values: of the request, `per_second` for one."""

    job: Job
    settings: Settings
    values: dict[str, Any] = field(default_factory=dict)


def share_of(job: Job, *, a_second: int | None = None, **values: Any) -> Share:
    """The same for every process; a_second: most messages a second through the gateway."""
    own = settings_of(job)
    pacing = Pacing(sms=Pace(per_second=a_second)) if a_second else own.pacing
    return Share(job, own.model_copy(update={"pacing": pacing}), values)


def release(share: Share, *, template: str = "plain", list_name: str = "Everybody") -> int:
    """Every step before the first message leaves; the campaign's number."""
    settings, clock = share.settings, SystemClock()
    record = Record.open(share.job.url)
    gateway = gateway_for(settings, record, "sms")
    request = MessageRequest(
        list_name=list_name,
        cohort=CohortChoice(file=share.job.file),
        template=template,
        **share.values,
    )
    number = begin_campaign(
        record, clock, settings, request,
        request_key=f"key-of-{list_name}", gateway=gateway.name, batch_limit=gateway.batch_limit,
    )  # fmt: skip
    check_cohort(record, clock, settings, number)
    setting = Setting(settings.organisation, clock.now(), release=settings.release)
    stage(record, number, setting=setting, most_segments=6)
    release_campaign(record, clock, settings, number, timing_of(settings))
    gateway.close()
    record.close()
    return number


def send(share: Share, number: int) -> None:
    """What each process does: whatever batch is free, until none is."""
    settings, clock = share.settings, SystemClock()
    record = Record.open(share.job.url)
    gateway = gateway_for(settings, record, "sms")
    home, worker = Home(settings.home), Worker(Path(settings.home) / "workers")
    register(record, home)
    ledger = Ledger(
        record, clock, worker, back_off=timedelta(milliseconds=20), timing=timing_of(settings),
        settings=settings, witness=notes_of(record, home, worker.name),
    )  # fmt: skip
    threads = [
        Thread(target=deliver, args=(ledger, gateway, number, 1, 10_000)) for _ in range(SENDERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gateway.close()
    worker.close()
    record.close()
