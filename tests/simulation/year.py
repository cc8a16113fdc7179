"""
A year of campaigns on a fast clock, from one seed: the same seed, the same year.

Campaigns are staged at once, later or over days, some with a pace or a first part; people pause, resume
and cancel them; patients die and opt out and in; gateways fail in every way; receipts come late, twice, in
any order or never (network.py); the processes that send and that settle (settler.py) are killed at random
instants and others take over. A judge at the gateway's door (gateway.py) sees each message arrive; at the
end (ending.py) every row has an outcome, it is what the receipts told, and the counts add up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.gateway.protocol import GatewayClass
from clinic.message import states
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.outcomes.save import save_batches
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.control import cancel, pause, resume
from clinic.message.prepare.due import due_campaigns
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import LAST, Ledger
from clinic.message.timing.schedule import let_go
from clinic.message.timing.timing import Timing, timing_of
from clinic.record.database import Record
from clinic.record.schema.messages import batch, campaign
from clinic.record.schema.people import consent, patient
from clinic.settings import (
    Contact,
    Halt,
    Hours,
    Organisation,
    Pace,
    Pacing,
    Receipts,
    Release,
    Settings,
)
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.simulation.ending import Result, judge_ending, set_witness
from tests.simulation.gateway import Judge, RandomGateway
from tests.simulation.network import Network
from tests.simulation.settler import Apply, Killed, Settler, hurry
from tests.simulation.truth import Truth

START = datetime(2026, 1, 1, tzinfo=UTC)
WEEK = ("09:00-12:30", "13:30-17:00")
BY = {"by": "nia", "reason": "simulated"}
CLASSES: tuple[GatewayClass, ...] = ("I", "I", "R", "B")


def settings_of(people: int) -> Settings:
    """An English practice's hours; a slow lane; two messages a week for each patient."""
    return Settings(
        organisation=Organisation(time_zone="Europe/London"),
        hours=Hours(
            text={
                "mon": WEEK, "tue": WEEK, "wed": WEEK, "thu": WEEK, "fri": WEEK,
                "sat": ("09:00-12:00",),
            },
            country="GB", subdivision="ENG",
        ),
        pacing=Pacing(sms=Pace(per_second=15, per_hour=people, per_day=3 * people)),
        contact=Contact(most=2, days=7, same_days=0),  # its campaigns have one text
        release=Release(canary_minutes=30, canary_failures=0.5, late_hours=48),
        halt=Halt(failures=0.6, batches=3, least=20, ambiguous=4),
    )  # fmt: skip


class Year:
    """One simulated year. `run` lives it."""

    def __init__(
        self,
        record: Record,
        folder: Path,
        *,
        seed: int,
        campaigns: int,
        people: int,
        days: int = 365,
        timing: Timing | None = None,
        apply: Apply = apply_receipts,
        receipts: Receipts | None = None,
    ) -> None:
        """`timing`, `apply`, `receipts`: others than the judge expects are negative controls."""
        self.record = hurry(record)
        self.folder = folder
        self.draw = random.Random(seed)
        self.clock = FakeClock(START)
        self.people = people
        self.end = START + timedelta(days=days)
        settings = settings_of(people)
        self.timing = timing or timing_of(settings)
        pace = settings.pacing.sms
        limits = {1: pace.per_second, 3600: pace.per_hour, 86_400: pace.per_day}
        truth = Truth(settings.contact.most, timedelta(days=settings.contact.days))
        self.truth = truth
        self.judge = Judge(truth, {s: most for s, most in limits.items() if most})
        self.gateways: dict[int, RandomGateway] = {}
        self.plan = sorted(self.draw.uniform(0, days - 15) for _ in range(campaigns))
        self.kills = 0
        self.calm = False
        self.ledger = self._process()
        add_patients(record, people)
        set_witness(record)
        self.network = Network(self.draw)
        self.settler = Settler(
            record, self.clock, truth, self.network, self.draw, apply=apply, settings=receipts
        )
        self.looked_at = START

    def run(self) -> Result:
        """Live the year, let what is left come to its end, and count."""
        while self.clock.now() < self.end:
            self._events()
            self._settle()
            busy = self._wake()
            self.clock.sleep(self.draw.choice((600, 1800, 3600, 5400)) * self.draw.random())
            if not busy:
                hours = 8 if self._is_awake() else 48
                self.clock.sleep(self.draw.uniform(0, hours * 3600))
        self._calm_down()
        self.settler.close()
        result = judge_ending(self.record, self.clock, self.truth, self.settler.apply)
        result.faults[:0] = self.judge.faults + self.settler.faults
        result.kills = self.kills + self.settler.kills
        return result

    # --- the world -------------------------------------------------------------------------------
    def _events(self) -> None:
        day = (self.clock.now() - START) / timedelta(days=1)
        while self.plan and self.plan[0] <= day:
            self.plan.pop(0)
            self._new_campaign()
        if self.draw.random() < 0.05:
            self._change_somebody()
        if self.draw.random() < 0.03:
            self._interfere()
        if self.draw.random() < 0.01:
            self.settler.mislead()
        if self.draw.random() < 0.01:
            self.settler.ask_people()

    def _new_campaign(self) -> None:
        draw, count = self.draw, self.draw.randint(5, self.people)
        start = self.clock.now() + timedelta(hours=draw.uniform(0, 100))
        later = draw.random() < 0.4
        size = draw.choice((20, 50, 100))
        number = add_campaign(
            self.record, self.clock, count, batch_size=size, state=states.CHECKING,
            start_at=start if later else None,
            latest_start=start + timedelta(hours=48) if later else None,
            stagger_days=draw.choice((None, None, 3, 7)),
            pace_hour=draw.choice((None, None, 100)),
            canary_size=draw.choice((None, None, size)),
            save_when=draw.choice(("sent", "sent", "delivered")),
            released_at=None,
        )  # fmt: skip
        let_go(self.record, self.clock.now(), number, self.timing)

    def _change_somebody(self) -> None:
        who = self.draw.randint(1, self.people)
        now = self.clock.now()
        with self.record.write() as connection:
            if self.draw.random() < 0.02:
                self.truth.dead.add(who)
                connection.execute(
                    sa.update(patient).where(patient.c.id == who).values(death_date=now.date())
                )
                return
            out = self.draw.random() < 0.5
            (self.truth.opted_out.add if out else self.truth.opted_out.discard)(who)
            connection.execute(
                sa.insert(consent).values(
                    patient_id=who, channel="sms", decision="opt_out" if out else "opt_in",
                    source="reply", decided_at=now,
                )
            )  # fmt: skip

    def _interfere(self) -> None:
        """Somebody pauses, resumes or cancels a campaign."""
        with self.record.read() as connection:
            numbers = connection.scalars(sa.select(campaign.c.id)).all()
        if not numbers:
            return
        number, act = self.draw.choice(numbers), self.draw.random()
        try:
            if act < 0.4:
                pause(self.record, self.clock, number, **BY)
            elif act < 0.9:
                resume(self.record, self.clock, number, timing=self.timing, **BY)
            else:
                cancel(self.record, self.clock, number, **BY)
        except NotAllowed:
            pass  # it has ended, or does so already

    # --- the processes ---------------------------------------------------------------------------
    def _process(self) -> Ledger:
        return make_ledger(
            self.record, self.clock, self.folder, timing=self.timing, reached=self._reached
        )

    def _reached(self, _: str) -> None:
        if not self.calm and self.draw.random() < 0.03:
            raise Killed

    def _is_awake(self) -> bool:
        with self.record.read() as connection:
            return bool(
                connection.scalar(
                    sa.select(sa.func.count())
                    .select_from(campaign)
                    .where(campaign.c.state.in_([states.RUNNING, states.SCHEDULED]))
                )
            )

    def _settle(self) -> None:
        lived = self.settler.run()
        if lived and self.clock.now() - self.looked_at > timedelta(days=1):
            self.looked_at = self.clock.now()
            self.settler.look_around()

    def _wake(self) -> bool:
        """Whether anything was due."""
        due = due_campaigns(self.record, self.clock.now(), self.timing)
        for number in due:
            try:
                deliver(self.ledger, self._gateway(number), number, 1, LAST)
                save_batches(self.settler.record, self.clock, number, 1, LAST)
            except Killed:
                self.kills += 1
                self.ledger.worker.close()
                self.ledger = self._process()
            else:
                summarize(self.record, self.clock, number)
        return bool(due)

    def _gateway(self, number: int) -> RandomGateway:
        if number not in self.gateways:
            kind = self.draw.choice(CLASSES)
            self.gateways[number] = RandomGateway(
                self.judge, self.clock, self.draw, self.network, kind
            )
        self.gateways[number].calm = self.calm
        return self.gateways[number]

    # --- the end ---------------------------------------------------------------------------------
    def _calm_down(self) -> None:
        """No more faults: people resume what is paused, and everything comes to its end."""
        self.calm = self.settler.calm = True
        for _ in range(150 * 24):
            for number in self._stopped():
                resume(self.record, self.clock, number, timing=self.timing, **BY)
            self._settle()
            self._wake()
            if not self._is_awake() and not self._stopped():  # the brake may have stopped it again
                break
            self.clock.sleep(3600)
        self.clock.sleep(3600)
        due_campaigns(self.record, self.clock.now(), self.timing)
        while not self.network.is_silent:
            self._settle()
            self.clock.sleep(24 * 3600)
        self.clock.sleep(73 * 3600)
        self._settle()

    def _stopped(self) -> Sequence[int]:
        """The campaigns that somebody must resume."""
        held = sa.select(batch.c.campaign_id).where(batch.c.state == states.HELD)
        stopped = campaign.c.state.in_([states.PAUSED, states.MISSED])
        killer = campaign.c.id.in_(held) & (campaign.c.state == states.RUNNING)
        with self.record.read() as connection:
            return connection.scalars(sa.select(campaign.c.id).where(stopped | killer)).all()
