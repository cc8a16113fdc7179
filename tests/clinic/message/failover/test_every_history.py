"""
NEW-19, by many histories: whatever two or three gateways of any class do, nobody twice and nobody lost.

Each gateway counts what it took: that, and not our record, says who was messaged.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clinic.errors import CohortError
from clinic.gateway.protocol import GatewayClass
from clinic.message.failover.standing import OUT
from clinic.record.database import Record
from clinic.record.schema.campaigns import gateway_standing
from clinic.record.schema.messages import message, submission
from tests.clinic.message.failover.plans import Practice, gateway
from tests.fakes import FakeClock

FAULTS = sorted(code for code in OUT if code.startswith("gateway-"))
WORDS = ["ok", "busy", "refused", "cut", "half", "reject", "later", *FAULTS]
PEOPLE = 6
Plan = tuple[GatewayClass, list[str]]
KINDS: list[GatewayClass] = ["I", "R", "B"]
PLANS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.lists(st.sampled_from(WORDS), max_size=8)),
    min_size=2,
    max_size=3,
)


class _Died(Exception):
    """The worker's process ended there."""


class _Mortal:
    """Dies at each of these points in turn."""

    def __init__(self, points: list[str]) -> None:
        self.points = points

    def __call__(self, point: str) -> None:
        if self.points and point == self.points[0]:
            self.points.pop(0)
            raise _Died


def _live(practice: Practice, points: list[str]) -> None:
    """Work until nothing more can be done: workers die, people resume, time goes on; at last all behave."""
    for turn in range(30):
        ledger = practice.ledger(reached=_Mortal(points))
        try:
            practice.send(ledger=ledger)
        except (_Died, CohortError):
            ledger.worker.close()
        practice.clock.sleep(400)
        if practice.reason() and turn % 3 == 2:
            practice.resume()
        if all(state != "pending" for state, _ in practice.kept()):
            return


def _fates(practice: Practice) -> dict[int, tuple[str, str | None]]:
    with practice.record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.id, message.c.state, message.c.gateway).where(
                message.c.campaign_id == practice.number
            )
        )
        return {row[0]: (row[1], row[2]) for row in rows}


@settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    phases=[Phase.generate],  # a history is slow, and short enough to be read as it is
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(
    plans=PLANS,
    by_share=st.booleans(),
    points=st.lists(st.sampled_from(["intent.done", "send.returned", "record.mid"]), max_size=4),
)
def test_nobody_is_messaged_twice_and_nobody_is_lost(
    record: Record, clock: FakeClock, tmp_path: Path,
    plans: list[Plan], by_share: bool, points: list[str],
) -> None:  # fmt: skip
    made = [
        gateway(name, *plan, kind=kind) for name, (kind, plan) in zip("abc", plans, strict=False)
    ]
    route = (
        {"failover": "share", "share": {one.name: 1 / len(made) for one in made}}
        if by_share
        else {"failover": "order"}
    )
    with record.write() as connection:
        connection.execute(sa.delete(gateway_standing))
    practice = Practice(record, clock, tmp_path, made, people=PEOPLE, size=2, **route)
    _live(practice, points)
    fates = _fates(practice)
    total: Counter[int] = Counter()
    for one in made:
        total.update(one.received)
    assert len(fates) == PEOPLE
    assert max(total.values(), default=0) <= 1
    for key, (state, name) in fates.items():
        had = [one.name for one in made if one.received[key]]
        if state == "accepted":
            assert had == [name]
        if state == "unknown":
            assert set(had) <= {name}
        if state == "rejected":
            assert had == []
        assert state in ("accepted", "unknown", "rejected")


def test_an_attempt_names_one_gateway_and_a_batch_has_one_open(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path, [gateway("a", "cut"), gateway("b")], people=2)
    practice.send()
    with record.read() as connection:
        rows = connection.execute(sa.select(submission.c.gateway, submission.c.state)).all()
    assert [tuple(row) for row in rows] == [("a", "intent")]


@pytest.mark.parametrize("point", ["send.returned", "record.mid", "record.precommit"])
def test_a_worker_that_dies_before_the_answer_is_written_leaves_neither_half(
    record: Record, clock: FakeClock, tmp_path: Path, point: str
) -> None:
    """That a gateway is out stands with the answer that says so, or neither does."""
    practice = Practice(record, clock, tmp_path, [gateway("a", "gateway-tls"), gateway("b")])
    ledger = practice.ledger(reached=_Mortal([point]))
    with pytest.raises(_Died):
        practice.send(ledger=ledger)
    ledger.worker.close()
    assert practice.standing() == {}
    assert practice.attempts() == [("a", "intent")]
    practice.send()
    assert practice.twice() == []
    assert sum(practice.kept().values()) == 4
