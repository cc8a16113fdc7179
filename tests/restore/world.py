"""A small practice in memory of which machines are lost and records set back, with its processes and people."""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, RecordUnsafe
from clinic.govern.approvals.approvals import latest
from clinic.govern.approvals.confirming import confirm
from clinic.govern.audit.key import unlock
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.campaign.doubt import Left, Promise
from clinic.message.campaign.sending_stop import allow, read_stop
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.sent_since import ask as ask_gateway
from clinic.message.incoming.sent_since import require_since
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.approve import ask, release_campaign
from clinic.message.prepare.control import resume
from clinic.message.prepare.due import due_campaigns
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminded_before import note_reminded
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import LAST, Ledger
from clinic.message.sending.restore_guard import (
    Home,
    accept,
    hold_if_restored,
    noted_of,
    notes_of,
    register,
)
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import campaign
from clinic.settings import Organisation, Phones, Release, Settings
from tests.fakes import FakeClock
from tests.ledgers import make_ledger
from tests.main_job import Practice
from tests.restore.provider import Provider

PEOPLE = 24
NIA, MIA = Operator("nia", "operator", active=True), Operator("mia", "manager", active=True)


class World:
    """Where the practice works now; what is set back is put in its place (kinds.py)."""

    def __init__(self, url: str, folder: Path, promise: str) -> None:
        self.url, self.folder, self.clock = url, folder, FakeClock()
        self.provider = Provider(promise, self.clock)
        self.home = Home(folder / "home", folder / "outside", machine="one")
        self.home.path.mkdir(mode=0o700, exist_ok=True)
        self.approval_above = 1_000_000
        self.evening = 0
        self.reminds = False
        self.running: Ledger | None = None  # a sender that lives through a failover
        self.open()
        self.practice = Practice(self.record, self.clock, folder, settings=self.settings)
        self.practice.gateway = self.provider
        self.practice.patients(PEOPLE)
        for key in ("lost", "meanwhile", "afterwards"):  # of campaigns that are made besides
            self.practice.template(f"A word on what was {key}.", key=key)
        register(self.record, self.home)
        with self.record.write() as connection:
            for one in (NIA, MIA):
                values = {"name": one.name, "role": one.role, "secret_hash": "-"}
                made = {"created_at": self.clock.now(), "created_by": "root"}
                connection.execute(sa.insert(operator).values(values | made))

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.home.path, record_url=self.url, notes_folder=self.home.outside, operator="nia",
            batch_size=8, phones=Phones(test_range=True),
            organisation=Organisation(id_scheme="generic"),
            release=Release(approval_above=self.approval_above),
        )  # fmt: skip

    def open(self) -> None:
        """Work with the record at `url` from now on."""
        self.record = unlock(Record.open(self.url), self.home.path)
        if hasattr(self, "practice"):
            self.practice.record, self.practice.settings = self.record, self.settings

    def list_of(self, name: str) -> Path:
        return self.practice.everybody(PEOPLE, name=name)

    # --- processes ---------------------------------------------------------------------------------
    def process(self) -> Ledger | None:
        """A sender that begins looks first; None: it may not begin."""
        try:
            hold_if_restored(self.record, self.clock, self.home)
        except RecordUnsafe:
            return None
        ledger = make_ledger(self.record, self.clock, self.home.path)
        ledger.witness = notes_of(self.record, self.home, ledger.worker.name)
        return ledger

    def send(self, ledger: Ledger, number: int, *, last: int = LAST) -> None:
        deliver(ledger, self.provider, number, 1, last, patience=timedelta(minutes=5))
        save_batches(self.record, self.clock, number, 1, last)

    def work(self) -> None:
        """Everything that goes on by itself, once: what is due, what runs, what waits to be checked."""
        ledger = self.running or self.process()
        if ledger is None:
            return
        due_campaigns(self.record, self.clock.now())
        for number, state in self.campaigns().items():
            with suppress(NotAllowed):
                self._carry_on(ledger, number, state)
        apply_receipts(self.record, self.clock)
        if ledger is not self.running:
            ledger.worker.close()

    def _carry_on(self, ledger: Ledger, number: int, state: str) -> None:
        if state == states.CHECKING:
            self.practice.check(number)
            self.practice.stage(number)
            if ask(self.record, self.clock, self.settings, number, flow_run_id=None):
                return
        if state in (states.CHECKING, states.AWAITING_APPROVAL):
            release_campaign(self.record, self.clock, self.settings, number, Timing())
        if state not in states.ENDED:
            self.send(ledger, number)
            summarize(self.record, self.clock, number)

    def remind(self) -> None:
        """The evening's run of tomorrow's appointments; refused while sending is stopped."""
        self.evening += 1
        with suppress(NotAllowed):
            if self.reminds:
                self._begin_evening()
        self.work()

    def _begin_evening(self) -> None:
        begin_reminders(
                self.record, self.clock, self.settings, ReminderRequest(days=1),
                request_key=f"evening-{self.evening}-{id(self.record)}", gateway="fake",
                batch_limit=1000,
            )  # fmt: skip

    def campaigns(self) -> dict[int, str]:
        with self.record.read() as connection:
            rows = connection.execute(sa.select(campaign.c.id, campaign.c.state))
            return {row.id: row.state for row in rows}

    # --- people ------------------------------------------------------------------------------------
    def live(self, hours: int = 6, *, left: Left | None = None) -> None:
        """Some hours: processes work, people approve what waits and resume what stands still."""
        for _ in range(hours):
            for number, state in self.campaigns().items():
                if state == states.AWAITING_APPROVAL:
                    self._approve(number)
                elif state in (states.PAUSED, states.HELD_CAMPAIGN):
                    self.resume(number, left=left)
            self.work()
            self.clock.sleep(3600)

    def resume(self, number: int, *, left: Left | None = None) -> None:
        """Without a word where that is enough, else with this one, else nobody knows."""
        promises = {"sms": Promise(self.provider.gateway_class, self.provider.window)}
        noted = noted_of(self.record, self.home)
        for said in (None, left, "unknown"):
            with suppress(NotAllowed):
                resume(
                    self.record, self.clock, number, by="nia", reason="looked", timing=Timing(),
                    left=said, promises=promises, noted=noted,
                )  # fmt: skip
                return

    def _approve(self, number: int) -> None:
        with self.record.read() as connection:
            asked = latest(connection, subject="campaign", subject_id=number)
        if asked is not None and asked.state == "waiting":
            confirm(self.record, self.clock, asked.id, by=NIA)
            decide(
                self.record, self.clock, asked.id, operator=MIA, decision="approved", note="right"
            )

    def ask(self) -> None:
        """The gateway is asked what it took since, where it can be."""
        if self.provider.promise == "L":
            since = require_since(self.record, "fake", self.clock.now() - timedelta(days=3))
            pages = [self.provider.sent_since(since)]
            ask_gateway(self.record, self.clock, pages, gateway="fake", since=since, by="mia")

    def allow(self, *, reminded_days: int = 0) -> None:
        """A manager lets sending go on."""
        with self.record.read() as connection:
            if read_stop(connection) is None:  # nothing was sent since the backup: nobody noticed
                return
        until = self.clock.now() + timedelta(days=reminded_days)
        with self.record.write() as connection:
            if reminded_days:
                note_reminded(connection, self.clock, until, by="mia")
            allow(connection, self.clock, by="mia", reason="asked the provider", told={})
            accept(connection, self.home)

    def close(self) -> None:
        self.record.close()
        shutil.rmtree(self.folder, ignore_errors=True)
