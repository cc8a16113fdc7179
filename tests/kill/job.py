"""
The main job as one process does it, with a plug that is pulled at a named point or at some instant.

The steps are those of flows/message.py, called one after the other, with two threads that send.
Started again with the same job, it carries on.
"""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clinic.clock import SystemClock
from clinic.gateway.choose import gateway_for
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.request import CohortChoice, MessageRequest
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.approve import release_campaign
from clinic.message.prepare.stage import stage
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import Ledger
from clinic.message.sending.restore_guard import Home, hold_if_restored, notes_of, register
from clinic.message.sending.worker import Worker
from clinic.message.template.variables import Setting
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.settings import Organisation, Phones, Release, Settings, SmsGateway
from clinic.settings.gateways.route import Channels, Route
from data_checks.cohort import check_cohort


@dataclass(frozen=True)
class Job:
    """
    What to do, and where to die: at the `hit`-th time that `point` is reached; "" = never.

    gateway: its address, or of two with a space between; token: what the first of two is given
    """

    url: str
    home: str
    file: str
    gateway: str
    gateway_class: str
    batch_size: int = 500
    per_request: int = 100
    point: str = ""
    hit: int = 1
    timeout_seconds: float = 1.0
    token: str = "t"


class Plug:
    """Kills this process, without a word, when a point is reached for the n-th time."""

    def __init__(self, point: str, hit: int) -> None:
        self.point, self.left = point, hit
        self.lock = threading.Lock()

    def __call__(self, point: str) -> None:
        if point != self.point:
            return
        with self.lock:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def settings_of(job: Job) -> Settings:
    """The settings of a practice whose texts go to the recording gateway, or to an SMSC (`smpp://`)."""
    if " " in job.gateway:
        return _two(job, *job.gateway.split())
    at = urlsplit(job.gateway)
    if at.scheme == "smpp":
        section = {
            "type": "smpp", "host": at.hostname, "port": at.port, "tls": False, "system_id": "practice",
            "password": "secret", "sender": "Practice", "timeout_seconds": job.timeout_seconds,
        }  # fmt: skip
        return _settings(
            job,
            gateways={"smsc": section},
            channels=Channels(sms=Route(gateways=("smsc",))),
        )
    return _settings(
        job,
        sms=SmsGateway.model_validate(
            {
                "url": job.gateway,
                "token": "t",
                "gateway_class": job.gateway_class,
                "per_request": job.per_request,
                "connections": 8,
                "timeout_seconds": job.timeout_seconds,
            }
        ),
    )


def _two(job: Job, first: str, second: str) -> Settings:
    """Of a practice whose texts go to two providers, the second where the first takes nothing for a second."""
    own = {
        "type": "json", "gateway_class": job.gateway_class, "timeout_seconds": job.timeout_seconds,
        "connections": 4, "headers": {"Idempotency-Key": "{key}"}, "id_at": "messages.0.id",
        "body": {"messages": [{"reference": "{reference}", "to": "{to}", "body": "{body}"}]},
    }  # fmt: skip
    sections = {
        "a": {**own, "url": f"{first}/messages", "token": job.token},
        "b": {**own, "url": f"{second}/messages", "token": "t"},
    }
    route = Route(
        gateways=("a", "b"), failover="order", failover_after_seconds=1, try_again_seconds=1
    )
    return _settings(job, gateways=sections, channels=Channels(sms=route))


def _settings(job: Job, **gateway: Any) -> Settings:
    return Settings(
        home=Path(job.home),
        record_url=job.url,
        batch_size=job.batch_size,
        phones=Phones(test_range=True),
        organisation=Organisation(id_scheme="generic", campaign_cap=100_000),
        release=Release(unusual_share=1),  # everybody is messaged here
        **gateway,
    )


def run(job: Job) -> None:
    """All steps, from the file to the summary; running again carries on."""
    settings, clock = settings_of(job), SystemClock()
    record = Record.open(job.url)
    gateway, *others = [
        gateway_for(settings, record, "sms", name=name) for name in settings.gateway_names("sms")
    ]
    request = MessageRequest(
        list_name="Everybody", cohort=CohortChoice(file=job.file), template="plain"
    )
    number = begin_campaign(
        record, clock, settings, request,
        request_key="the-job", gateway=gateway.name, batch_limit=gateway.batch_limit,
    )  # fmt: skip
    check_cohort(record, clock, settings, number)
    setting = Setting(settings.organisation, clock.now(), release=settings.release)
    batches = stage(record, number, setting=setting, most_segments=6)
    release_campaign(record, clock, settings, number, timing_of(settings))
    home, worker = Home(settings.home), Worker(settings.home / "workers")
    register(record, home)
    if (alarm := hold_if_restored(record, clock, home)) is not None:
        raise AssertionError(f"nobody set the record back: {alarm}")
    ledger = Ledger(
        record,
        clock,
        worker,
        back_off=timedelta(milliseconds=20),
        witness=notes_of(record, home, worker.name),
        reached=Plug(job.point, job.hit),
        settings=settings if others else None,
    )
    half = batches // 2
    spans = [(1, half), (half + 1, batches)]
    threads = [
        threading.Thread(
            target=deliver, args=(ledger, gateway, number, *span), kwargs={"others": others}
        )
        for span in spans
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    save_batches(record, clock, number, 1, batches)
    summarize(record, clock, number)
    for each in (gateway, *others):
        each.close()
