"""A gateway that misbehaves at random and judges each message at the instant it arrives."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken, Turned
from tests.fakes import FakeClock, FakeGateway
from tests.simulation.hours import LONDON, is_open
from tests.simulation.network import Network
from tests.simulation.truth import Truth

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
        self.of_patient: dict[int, list[tuple[datetime, int]]] = {}

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
        if reference in self.truth.arrived:
            self.faults.append(f"twice: {reference}")
        self.truth.arrived.add(reference)
        self.arrived.append(at)
        patient = reference & 0xFFFFFF
        if patient in self.truth.dead or patient in self.truth.opted_out:
            self.faults.append(f"after a death or an opt-out: {patient} {at}")
        had = self.of_patient.setdefault(patient, [])
        had.append((at, reference))
        # What two people said was not sent does not count, though they were wrong
        lately = sum(
            then > at - self.truth.cap_period and self.truth.settled.get(one) != "not_sent"
            for then, one in had
        )
        if lately > self.truth.cap:
            self.faults.append(f"over the cap: {patient} {at}")


class RandomGateway(FakeGateway):
    """
    A `FakeGateway` whose every request is drawn at random; down for days now and then.

    Of class R it knows each reference, for ever; of class I a request's key, for a day.
    """

    def __init__(
        self,
        judge: Judge,
        clock: FakeClock,
        draw: random.Random,
        network: Network,
        gateway_class: GatewayClass,
    ) -> None:
        window = timedelta(hours=24) if gateway_class == "I" else None
        super().__init__(gateway_class, per_request=20, window=window)
        self._judge = judge
        self._clock = clock
        self._draw = draw
        self._network = network
        self._taken_at: dict[str, datetime] = {}
        self._references: dict[int, Taken | Turned] = {}
        self.down_until: datetime | None = None
        self.calm = False

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        """Each request as drawn; each message that arrives is judged, and its network told."""
        now = self._clock.now()
        # What a provider forgets it takes again
        for old in [k for k, at in self._taken_at.items() if now - at > timedelta(hours=24)]:
            self.keys.pop(old, None)
            self._taken_at.pop(old)
        answers = []
        for number, first in enumerate(range(0, len(messages), per_request)):
            part = messages[first : first + per_request]
            asked = only & {one.reference for one in part}
            if asked:
                answers.append(self._request(f"{key}/{number}", part, asked, now))
        self._clock.sleep(self._draw.uniform(0.05, 2))
        return _together(answers)

    def _request(
        self, key: str, part: Sequence[Outgoing], asked: frozenset[int], now: datetime
    ) -> Answer:
        known = {}
        if self.gateway_class == "R":
            known = {r: self._references[r] for r in asked & self._references.keys()}
            part = [one for one in part if one.reference not in self._references]
        word = self._word(now)
        if word == "reject" and (known or key in self.keys):
            word = "ok"  # it took these: it cannot turn them down any more
        self.plan = [word]
        before = {one.reference: self.received[one.reference] for one in part}
        answer = super().send(key, part, per_request=len(part), only=asked - known.keys())
        arrived = [
            one for one in part for _ in range(self.received[one.reference] - before[one.reference])
        ]
        if arrived:
            self._arrive(key, arrived, now)
        if word in ("ok", "half"):
            return replace(answer, results={**answer.results, **known})
        return answer

    def _arrive(self, key: str, arrived: Sequence[Outgoing], now: datetime) -> None:
        self._taken_at.setdefault(key, now)
        self._references.update(self.keys[key])
        self._judge.judge(arrived, now)
        for one in arrived:
            self._network.take(one.reference, now)

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


def _together(answers: Sequence[Answer]) -> Answer:
    """The answers to a submission's requests as one."""
    return Answer(
        {key: value for one in answers for key, value in one.results.items()},
        not_sent=frozenset[int]().union(*(one.not_sent for one in answers)),
        unlisted=frozenset[int]().union(*(one.unlisted for one in answers)),
        retry_after=max((one.retry_after for one in answers if one.retry_after), default=None),
    )
