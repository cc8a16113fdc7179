"""NEW-19 over HTTP: of two providers on loopback one goes away, refuses us or falls silent in mid-campaign."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.choose import gateway_by_name
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import campaign
from clinic.settings import Halt, Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.servers.stand_in import Asked, Said, StandIn, standing_in

PEOPLE = 24
GOOD = 9  # so many messages the first takes before it goes wrong


class Provider:
    """Takes each key once, and answers it; from its `GOOD`-th message on as it is told."""

    def __init__(self, clock: FakeClock, goes: str = "") -> None:
        self.clock, self.goes = clock, goes
        self.took: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.gone: Callable[[], None] = lambda: None

    def answer(self, asked: Asked) -> Said:
        self.clock.sleep(0.1)
        wrong = self.goes and len(self.keys) >= GOOD
        if wrong and self.goes == "refuses":
            return Said({"error": "who are you"}, 401)
        own, key = json.loads(asked.body), asked.headers["Idempotency-Key"]
        if key not in self.keys:
            self.keys.add(key)
            self.took[own["reference"]] += 1
        if wrong and self.goes == "away":
            self.gone()
        return Said({"id": f"g{own['reference']}"}, cut=bool(wrong and self.goes == "silent"))


@contextlib.contextmanager
def two(first: Provider, second: Provider) -> Iterator[tuple[StandIn, StandIn]]:
    with contextlib.ExitStack() as own, standing_in(second.answer) as other:
        one = own.enter_context(standing_in(first.answer))
        first.gone = own.close
        yield one, other


def settings_of(first: StandIn, second: StandIn) -> Settings:
    own = {
        "type": "json", "gateway_class": "I", "token": "t", "timeout_seconds": 5, "connections": 1,
        "headers": {"Idempotency-Key": "{key}"}, "id_at": "id",
        "body": {"reference": "{reference}", "to": "{to}", "text": "{body}"},
    }  # fmt: skip
    ports = {"a": first.port, "b": second.port}
    sections = {name: {**own, "url": f"http://127.0.0.1:{port}/"} for name, port in ports.items()}
    route = {"gateways": ["a", "b"], "failover": "order"}
    return Settings.model_validate({"gateways": sections, "channels": {"sms": route}})


@pytest.mark.parametrize("goes", ["away", "refuses", "silent"])
def test_one_that_goes_wrong_in_mid_campaign_costs_nobody_their_message_and_nobody_gets_two(
    record: Record, clock: FakeClock, tmp_path: Path, goes: str
) -> None:
    first, second = Provider(clock, goes), Provider(clock)
    add_patients(record, PEOPLE)
    number = add_campaign(record, clock, PEOPLE, batch_size=2, gateway="a", gateways="a b")
    with two(first, second) as servers:
        settings = settings_of(*servers)
        ledger = make_ledger(
            record, clock, tmp_path, settings=settings, timing=Timing(halt=Halt(failures=1.0))
        )
        gateways = [gateway_by_name(settings, name, "sms", clock) for name in ("a", "b")]

        def send() -> None:
            deliver(
                ledger, gateways[0], number, 1, 99, others=gateways[1:],
                patience=timedelta(minutes=2),
            )  # fmt: skip

        try:
            send()
            if goes == "silent":  # what it may have was given to nobody else, and it answers again
                assert message_states(record, number)["pending"] > 0
                assert set(first.took) & set(second.took) == set()
                first.goes = ""
                clock.sleep(600)
                send()
        finally:
            for each in gateways:
                each.close()
    assert message_states(record, number) == {"accepted": PEOPLE}
    total = first.took + second.took
    assert (len(total), max(total.values())) == (PEOPLE, 1)
    assert first.took
    assert second.took
    with record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.state_reason)) is None
