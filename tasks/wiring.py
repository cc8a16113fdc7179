"""
The one place that wires: settings, record, clock, worker and gateways of this process.

Everything is made at first use and kept for the process's life. A test or a harness hands in its own
with `use`.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clinic.clock import Clock, SystemClock
from clinic.collector import collect_seldom
from clinic.errors import NotAllowed, SettingsWrong
from clinic.gateway.choose import batch_limit_of, gateway_for, is_set
from clinic.gateway.protocol import Gateway
from clinic.govern.audit.key import unlock
from clinic.govern.rules.governed import in_force
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.circuit_breaker import halt
from clinic.message.failover.ways import names_of
from clinic.message.incoming.inbox import RecordKeeper
from clinic.message.sending.late_answers import LateAnswers
from clinic.message.sending.ledger import Ledger
from clinic.message.sending.restore_guard import (
    NoWitness,
    Witness,
    hold_if_restored,
    home_of,
    notes_of,
)
from clinic.message.sending.worker import Worker
from clinic.message.states import OUTBOX
from clinic.message.timing.timing import Timing, timing_of
from clinic.record.database import Record, require_durable
from clinic.record.installation import install
from clinic.record.private import close_folder, keep_to_owner, sweep
from clinic.record.version import require_current
from clinic.settings import Settings, load_settings
from tasks.processes import identity
from tasks.processes.identity import Installation

_LOG = logging.getLogger(__name__)


def _no_point(_: str) -> None:
    """Where nobody listens."""


@dataclass
class Wiring:
    """The parts of a process that does work."""

    settings: Settings
    record: Record
    clock: Clock
    worker: Worker
    back_off: timedelta = timedelta(seconds=1)
    reached: Callable[[str], None] = _no_point
    witness: Witness = field(default_factory=NoWitness)
    late_answers: LateAnswers | None = None
    gateways: dict[tuple[str, bool], Gateway] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)  # set: begin nothing more
    interrupted: bool = False  # a person asked for that
    campaign_id: int | None = (
        None  # which one this process's run brings to its end, once it is known
    )
    told_to_stop: str = (
        ""  # in the Prefect UI: run-cancelled, run-suspended (tasks/runs/told_to_stop.py)
    )
    told_at: datetime | None = None  # by the clock of Prefect's server
    listening_since: datetime | None = None  # for what it is told
    stood_still: bool = False  # its campaign was paused for that
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @functools.cached_property
    def timing(self) -> Timing:
        """When and how fast messages may be sent, as it was set at installation."""
        return timing_of(self.settings)

    @functools.cached_property
    def installation(self) -> Installation:
        """Which installation this is, as Prefect knows it."""
        return identity.of(self.record, self.settings)

    def ledger(self) -> Ledger:
        """The ledger, as this process works on it."""
        return Ledger(
            self.record,
            self.clock,
            self.worker,
            lease=timedelta(seconds=self.settings.lease_seconds),
            max_attempts=self.settings.max_attempts,
            back_off=self.back_off,
            timing=self.timing,
            settings=self.settings,
            witness=self.witness,
            late_answers=self.late_answers,
            reached=self.reached,
            stopping=self.stop.is_set,
        )

    def keeper(self) -> RecordKeeper:
        """Keeps what comes back while we send."""
        own = self.settings
        return RecordKeeper(self.record, self.clock, own.phones, own.replies)

    def gateway(self, channel: str, *, dry_run: bool, outbox: bool = False) -> Gateway:
        """The gateway of a channel, made once: its connections are shared by all threads."""
        with self._lock:
            key = (f"{OUTBOX} {channel}" if outbox and not dry_run else channel, dry_run)
            if key not in self.gateways:
                self.gateways[key] = gateway_for(
                    self.settings,
                    self.record,
                    channel,
                    dry_run=dry_run,
                    outbox=outbox,
                    keeper=self.keeper(),
                )
            return self.gateways[key]

    def batch_limit(self, channel: str, gateway: Gateway) -> int:
        """The most messages that a batch may have of a campaign that leaves by this gateway first."""
        return batch_limit_of(self.settings, self.record, channel, gateway)

    def gateways_of(self, campaign_id: int) -> list[Gateway]:
        """
        The gateways that a campaign was made for, the first choice first.

        Raises:
            SettingsWrong: none of them is in the settings any more, or one cannot work as it is set
        """
        with self.record.read() as connection:
            job = get_campaign(connection, campaign_id)
        if job.dry_run or job.gateway == OUTBOX:
            return [self.gateway(job.channel, dry_run=job.dry_run, outbox=job.gateway == OUTBOX)]
        # What one that is gone has begun halts the campaign (deliver.py); the others may send the rest
        there = [
            name for name in names_of(job.gateway, job.gateways) if is_set(self.settings, name)
        ]
        return [self._named(name, job.channel, campaign_id) for name in there or [job.gateway]]

    def _named(self, name: str, channel: str, campaign_id: int) -> Gateway:
        """
        A gateway by its name: what was begun through one is never gone on with through another.

        Raises:
            SettingsWrong: it is not in the settings any more; the campaign is paused, so that a person looks
        """
        with self._lock:
            made = list(self.gateways.values())
            for gateway in made:
                if (gateway.name, gateway.channel) == (name, channel):
                    return gateway
            try:
                gateway = gateway_for(
                    self.settings, self.record, channel, name=name, keeper=self.keeper()
                )
            except SettingsWrong as fault:
                if fault.code == "gateway-gone":
                    with self.record.write() as connection:
                        halt(connection, campaign_id, fault.code, self.clock.now())
                raise
            self.gateways[(f"{name} {channel}", False)] = gateway
            return self.gateways[(f"{name} {channel}", False)]

    def close(self) -> None:
        """Give everything back."""
        for gateway in self.gateways.values():
            gateway.close()
        self.gateways.clear()
        self.worker.close()
        self.record.close()


_wiring: Wiring | None = None
_making = threading.Lock()


def wiring() -> Wiring:
    """
    This process's parts.

    Raises:
        SettingsWrong, RecordUnsafe: what to fix
    """
    global _wiring
    with _making:
        if _wiring is None:
            _wiring = _make(load_settings())
        return _wiring


def _make(settings: Settings) -> Wiring:
    keep_to_owner()
    if settings.home.exists():
        close_folder(settings.home)
    sweep(settings.home)
    record = Record.open(settings.database_url)
    require_current(record)
    require_durable(record)
    clock = SystemClock()
    _require_ours(install(record, clock))
    unlock(record, settings.home)
    hold_if_restored(record, clock, home_of(settings))
    worker = Worker(settings.home / "workers")
    governed = in_force(record, settings)
    for name in governed.ignored:
        _LOG.warning(
            "%s is as the record has it: file and environment do not count; see: cohort settings",
            name,
        )
    settings = governed.settings
    collect_seldom()
    witness = notes_of(record, home_of(settings), worker.name)
    late_answers = LateAnswers(settings.home / "answers")
    late_answers.take_in(record, clock)  # of processes that ended while the record was away
    made = Wiring(
        settings=settings, record=record, clock=clock, worker=worker, witness=witness,
        late_answers=late_answers,
    )  # fmt: skip
    atexit.register(made.close)
    return made


def _require_ours(install_id: str) -> None:
    """
    A run does its work in the record of the installation that asked for it, and in no other.

    Raises:
        NotAllowed: the worker that started it polls for another record
    """
    asked = os.environ.get(identity.VARIABLE)
    if asked and asked != install_id:
        raise NotAllowed(
            "run-not-ours",
            "this run was asked for by another installation than the record that is set here belongs to, so "
            "nothing was done: restart the worker (cohort server stop; cohort server start)",
        )


def installation() -> Installation:
    """
    Which installation this process works for; not made for it, if there are no parts yet.

    Raises:
        NotSetUp, RecordUnsafe: there is no record, or it cannot be read
    """
    made = _wiring
    return identity.read(load_settings()) if made is None else made.installation


def stop_sending() -> bool:
    """Let nothing more be begun by this process; False: it has made nothing yet that could send."""
    made = _wiring  # no lock: a signal may have come while it is held
    if made is None:
        return False
    made.stop.set()
    return True


def stopped() -> Wiring | None:
    """This process's parts, if it is to begin nothing more."""
    return _wiring if _wiring is not None and _wiring.stop.is_set() else None


def use(own: Wiring | None) -> None:
    """Hand in the parts to work with; None: make them from the settings at the next use."""
    global _wiring
    with _making:
        _wiring = own
