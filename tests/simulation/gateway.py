"""A gateway that misbehaves at random and judges each message at the instant it arrives."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing
from tests.fakes import FakeClock, FakeGateway
from tests.simulation.truth import Truth

LONDON = ZoneInfo("Europe/London")
# England 2026, typed in by hand from gov.uk: an oracle shares nothing with what it judges
BANK_HOLIDAYS = {
    date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 4), date(2026, 5, 25),
    date(2026, 8, 31), date(2026, 12, 25), date(2026, 12, 28),
}  # fmt: skip
WORDS = ("ok", "busy", "refused", "cut", "half", "reject")
MISCHIEF = (80, 4, 4, 6, 3, 3)


class Judge:
    """Knows what may arrive when. `faults` names all that should not have: none at the end."""

    def __init__(self, truth: Truth, limits: dict[int, int]) -> None:
        """`limits`: most messages by window, in seconds."""
        self.truth = truth
        self.limits = limits
        self.faults: list[str] = []
        self.arrived: list[datetime] = []
        self.of_patient: dict[int, list[datetime]] = {}
        self.seen: set[int] = set()

    def judge(self, messages: Sequence[Outgoing], at: datetime) -> None:
        """Messages have arrived, for the first time."""
        local = at.astimezone(LONDON)
        if not is_open(local):
            self.faults.append(f"closed hours: {local}")
        for one in messages:
            self._judge_one(one.reference, at)
        for seconds, most in self.limits.items():
            since = bisect_right(self.arrived, at - timedelta(seconds=seconds))
            if len(self.arrived) - since > most:
                self.faults.append(f"over {most} in {seconds} s: {local}")

    def _judge_one(self, reference: int, at: datetime) -> None:
        if reference in self.seen:
            self.faults.append(f"twice: {reference}")
        self.seen.add(reference)
        self.arrived.append(at)
        patient = reference & 0xFFFFFF
        if patient in self.truth.dead or patient in self.truth.opted_out:
            self.faults.append(f"after a death or an opt-out: {patient} {at}")
        times = self.of_patient.setdefault(patient, [])
        times.append(at)
        lately = len(times) - bisect_right(times, at - self.truth.cap_period)
        if lately > self.truth.cap:
            self.faults.append(f"over the cap: {patient} {at}")


def is_open(local: datetime) -> bool:
    """Monday to Friday 09:00 to 12:30 and 13:30 to 17:00, Saturday 09:00 to 12:00; no bank holiday."""
    minute = local.hour * 60 + local.minute
    if local.date() in BANK_HOLIDAYS or local.weekday() == 6:
        return False
    if local.weekday() == 5:
        return 540 <= minute < 720
    return 540 <= minute < 750 or 810 <= minute < 1020


class RandomGateway(FakeGateway):
    """A `FakeGateway` whose every call is drawn at random; down for days now and then."""

    def __init__(
        self, judge: Judge, clock: FakeClock, draw: random.Random, gateway_class: GatewayClass
    ) -> None:
        window = timedelta(hours=24) if gateway_class == "I" else None
        super().__init__(gateway_class, per_request=20, window=window)
        self._judge = judge
        self._clock = clock
        self._draw = draw
        self._taken_at: dict[str, datetime] = {}
        self.down_until: datetime | None = None
        self.calm = False

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """As drawn; each message that arrives for the first time is judged."""
        now = self._clock.now()
        # What a provider forgets it takes again
        for old in [k for k, at in self._taken_at.items() if now - at > timedelta(hours=24)]:
            self.keys.pop(old, None)
            self._taken_at.pop(old)
        word = self._word(now)
        # It took these: it cannot turn them down any more
        self.plan = ["ok" if word == "reject" and key in self.keys else word]
        before = self.received.copy()
        answer = super().send(key, messages, per_request=per_request, only=only)
        self._taken_at.setdefault(key, now)
        arrived = [
            one
            for one in messages
            for _ in range(self.received[one.reference] - before[one.reference])
        ]
        self._judge.judge(arrived, now)
        self._clock.sleep(self._draw.uniform(0.05, 2))
        return answer

    def _word(self, now: datetime) -> str:
        if self.calm:
            return "ok"
        if self.down_until is None and self._draw.random() < 0.004:
            self.down_until = now + timedelta(hours=self._draw.uniform(1, 40))
        if self.down_until is not None:
            if now < self.down_until:
                return self._draw.choice(("refused", "busy"))
            self.down_until = None
        return self._draw.choices(WORDS, MISCHIEF)[0]
