"""A campaign of several gateways, each of which does as its plan says; and who was messaged by which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clinic.gateway.protocol import Answer, GatewayClass, Outgoing, Taken
from clinic.message.failover.standing import Standing, read_standings
from clinic.message.sending.deliver import deliver
from clinic.message.sending.ledger import LAST, Ledger
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message, submission
from clinic.record.schema.people import patient
from clinic.settings import Halt, Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger

SMPP = {"type": "smpp", "system_id": "one", "password": "p", "sender": "Practice"}


def set_up(*names: str, **route: Any) -> Settings:
    """Settings with gateways of these names, and how texts leave by them."""
    sections = {name: {**SMPP, "host": f"{name}.example"} for name in names}
    sms = {"gateways": names, "failover": "order", **route}
    return Settings.model_validate({"gateways": sections, "channels": {"sms": sms}})


class Moody(FakeGateway):
    """Its plan has more words: a code that halts refuses all by it, `later` for an hour, `quota`
    after half of them. It may be class R."""

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        word = self.plan[0] if self.plan else "ok"
        if word.startswith("gateway-"):
            self.calls += 1
            self.plan.pop(0)
            return Answer(not_sent=frozenset(only), halt=word, trouble=f"it says {word}")
        if word == "later":  # until midnight
            self.calls += 1
            self.plan.pop(0)
            return Answer(not_sent=frozenset(only), retry_after=3600.0, trouble="it says later")
        if word == "quota":  # used up in the middle
            taken, rest = messages[: len(messages) // 2], messages[len(messages) // 2 :]
            answer = super().send(key, taken, per_request=per_request, only=only)
            left = frozenset(one.reference for one in rest)
            return Answer(
                answer.results, not_sent=left, retry_after=3600.0, trouble="it says quota"
            )
        if word == "reject" and self._has(key, messages):
            self.plan[0] = word = "ok"  # what it took it does not reject when it is asked again
        if self.gateway_class == "R":  # what it has it does not carry out again
            new = [one for one in messages if not self.received[one.reference]]
            answer = super().send(key, new, per_request=per_request, only=only)
            had = {one.reference: Taken(f"g{one.reference}") for one in messages if one not in new}
            silent = word == "cut" or answer.not_sent or word == "reject"
            return answer if silent else Answer({**had, **answer.results}, unlisted=answer.unlisted)
        return super().send(key, messages, per_request=per_request, only=only)

    def _has(self, key: str, messages: Sequence[Outgoing]) -> bool:
        if self.gateway_class == "R":
            return any(self.received[one.reference] for one in messages)
        return self.gateway_class == "I" and key in self.keys


class Practice:
    """A campaign of `people` in batches of `size`, that may leave by all of these gateways."""

    def __init__(
        self,
        record: Record,
        clock: FakeClock,
        folder: Path,
        gateways: Sequence[FakeGateway],
        *,
        people: int = 4,
        size: int = 2,
        **route: Any,
    ) -> None:
        self.record, self.clock, self.folder, self.gateways = record, clock, folder, gateways
        self.people = people
        names = [one.name for one in gateways]
        self.settings = set_up(*names, **route)
        share = self.settings.channels.sms.share
        with record.read() as connection:
            there = connection.scalar(sa.select(patient.c.id).limit(1))
        if there is None:
            add_patients(record, people)
        self.number = add_campaign(
            record, clock, people, batch_size=size, gateway=names[0], gateways=" ".join(names),
            gateway_shares=" ".join(str(share[name]) for name in names) if share else None,
        )  # fmt: skip

    def ledger(
        self, *, rates: dict[str, float] | None = None, halt: Halt | None = None, **more: Any
    ) -> Ledger:
        timing = Timing(halt=halt or Halt(failures=1.0), rates=rates or {})
        return make_ledger(
            self.record, self.clock, self.folder, settings=self.settings, timing=timing, **more
        )

    def send(self, *, patience: float = 0.0, ledger: Ledger | None = None) -> None:
        first, *others = self.gateways
        own = ledger or self.ledger()
        deliver(
            own, first, self.number, 1, LAST, others=others, patience=timedelta(seconds=patience)
        )
        own.worker.close()

    def by_gateway(self) -> dict[str, int]:
        """How many people each gateway messaged, by their own counts."""
        return {one.name: sum(one.received.values()) for one in self.gateways}

    def twice(self) -> list[int]:
        """Who was messaged more than once, over all gateways."""
        total: Counter[int] = Counter()
        for one in self.gateways:
            total.update(one.received)
        return [key for key, count in total.items() if count > 1]

    def kept(self) -> dict[tuple[str, str | None], int]:
        """Messages by state and gateway, as the record has them."""
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(message.c.state, message.c.gateway, sa.func.count())
                .where(message.c.campaign_id == self.number)
                .group_by(message.c.state, message.c.gateway)
            )
            return {(row[0], row[1]): row[2] for row in rows}

    def reason(self) -> str | None:
        with self.record.read() as connection:
            code: str | None = connection.scalar(
                sa.select(campaign.c.state_reason).where(campaign.c.id == self.number)
            )
            return code

    def resume(self) -> None:
        with self.record.write() as connection:
            connection.execute(
                sa.update(campaign).values(
                    state="running", state_reason=None, resumed_at=self.clock.now()
                )
            )

    def standing(self) -> dict[str, Standing]:
        with self.record.read() as connection:
            return {one.gateway: one for one in read_standings(connection)}

    def attempts(self) -> list[tuple[str, str]]:
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(submission.c.gateway, submission.c.state).order_by(
                    submission.c.created_at, submission.c.batch_id, submission.c.attempt
                )
            )
            return [(row[0], row[1]) for row in rows]


def gateway(name: str, *plan: str, kind: GatewayClass = "I") -> Moody:
    """One of this name and class, which does what its plan says, a word a call."""
    return Moody(kind, name=name, plan=plan)
