"""
NEW-3, by every history that Hypothesis can think of: nobody twice, nobody silently lost.

The machine crashes workers, cuts answers, says "busy" at the worst moment. A ledger in which a 429 on
a replay counts as "not sent" fails it within seconds; `test_the_machine_finds_the_bug` keeps that so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from clinic.gateway.protocol import Answer, Outgoing, Taken
from clinic.message.sending.submissions import Settled, Submission, settle

Settle = Callable[[Submission, Answer, datetime], Settled]
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
PEOPLE = 4


@dataclass
class KeyedGateway:
    """Takes each key once; counts what each person really got."""

    got: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(PEOPLE), 0))
    keys: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def take(self, key: str, members: tuple[int, ...]) -> tuple[int, ...]:
        if key not in self.keys:
            for member in members:
                self.got[member] += 1
            self.keys[key] = members
        return self.keys[key]


class Life(RuleBasedStateMachine):
    """The ledger's life with one batch, judged by `judge`."""

    judge: Settle = staticmethod(settle)

    def __init__(self) -> None:
        super().__init__()
        self.gateway = KeyedGateway()
        self.state = dict.fromkeys(range(PEOPLE), "pending")
        self.attempt = 0
        self.open: Submission | None = None

    @precondition(lambda self: "pending" in self.state.values())
    @rule(
        fate=st.sampled_from(["ok", "half", "cut", "error_after", "busy", "refused"]),
        dies=st.sampled_from(["no", "no", "before", "after"]),
    )
    def work(self, fate: str, dies: str) -> None:
        self.step(fate, dies)

    @rule()
    def rest(self) -> None:
        """Nothing happens: a machine needs a rule for when all is done."""

    def step(self, fate: str, dies: str) -> None:
        sent = self.open or self.intend()
        self.open = replace(sent, replay=True)  # what the next worker finds if this one dies
        if dies == "before":
            return
        answer = self.call(sent, fate)
        if dies != "after":
            self.record(sent, self.judge(sent, answer, NOW))

    def intend(self) -> Submission:
        self.attempt += 1
        waiting = tuple(p for p in self.state if self.state[p] == "pending")
        return Submission(
            id=f"key-{self.attempt}",
            attempt=self.attempt,
            gateway="fake",
            gateway_class="I",
            messages=[Outgoing(p, "", "") for p in waiting],
            open=frozenset(waiting),
            per_request=PEOPLE,
            window_until=None,
            replay=False,
            fingerprint="",
        )

    def call(self, sent: Submission, fate: str) -> Answer:
        if fate in ("busy", "refused"):
            return Answer(not_sent=sent.open)
        members = tuple(m.reference for m in sent.messages)
        if fate == "half":
            members = members[: max(1, len(members) // 2)]
        taken = self.gateway.take(sent.id, members)
        if fate in ("cut", "error_after"):
            return Answer()
        results = {p: Taken(f"g{p}") for p in taken}
        return Answer(results, unlisted=frozenset(sent.open.difference(taken)))

    def record(self, sent: Submission, result: Settled) -> None:
        for person in result.taken:
            self.state[person] = "accepted"
        for person in result.unknown:
            self.state[person] = "unknown"
        self.open = replace(sent, open=result.open, replay=True) if result.open else None

    @invariant()
    def nobody_twice(self) -> None:
        assert max(self.gateway.got.values()) <= 1

    @invariant()
    def accepted_means_that_the_gateway_has_it(self) -> None:
        assert all(self.gateway.got[p] for p in self.state if self.state[p] == "accepted")

    def teardown(self) -> None:
        """Nobody lost: once the gateway behaves, everyone has it or is listed as unknown."""
        for _ in range(3):
            if "pending" in self.state.values():
                self.step("ok", "no")
        assert "pending" not in self.state.values()
        assert all(self.gateway.got[p] or self.state[p] == "unknown" for p in self.state)


def trusting_settle(sent: Submission, answer: Answer, now: datetime) -> Settled:
    """The bug: believes a refusal on a replay, though the first try may have been taken."""
    return settle(replace(sent, replay=False), answer, now)


class LifeWithTheBug(Life):
    judge: Settle = staticmethod(trusting_settle)


def run(life: type[Life]) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        life,
        settings=settings(
            max_examples=150,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_history_messages_anybody_twice_or_loses_anybody() -> None:
    run(Life)


def test_the_machine_finds_the_bug() -> None:
    """The negative control: a machine that lets the bug pass proves nothing."""
    with pytest.raises(AssertionError):
        run(LifeWithTheBug)
