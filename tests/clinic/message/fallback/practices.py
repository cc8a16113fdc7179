"""A practice whose texts reach some, and whose e-mails reach others: for tests of fallback between channels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clinic.clock import Clock
from clinic.gateway.protocol import Gateway
from clinic.gateway.received import Receipt
from clinic.message import states
from clinic.message.campaign.campaign import get_campaign
from clinic.message.fallback.people import Plan, plan_of
from clinic.message.following.begin import Way, begin_fallbacks
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.outcomes.summary import Summary
from clinic.record.database import Record
from clinic.record.schema.campaigns import fallback_person
from clinic.record.schema.messages import message
from clinic.settings import Phones, Settings
from clinic.settings.gateways.channel import EmailGateway
from data_checks.fallback import plan_fallback
from tests.fakes import FakeGateway
from tests.main_job import Practice

HOURS = 24


class TwoWays(Practice):
    """Its texts leave by `texts`, its e-mails by `mails`; each counts what it took."""

    def __init__(self, record: Record, clock: Clock, folder: Path, **settings: Any) -> None:
        given: dict[str, Any] = {
            "home": folder, "record_url": record.engine.url.render_as_string(hide_password=False),
            "operator": "nia", "phones": Phones(test_range=True),
            "email": EmailGateway(host="localhost", sender="practice@example.org", tls="none"),
        }  # fmt: skip
        super().__init__(record, clock, folder, settings=Settings(**(given | settings)))
        self.texts = FakeGateway()
        self.mails = FakeGateway(name="smtp", channel="email")
        self.gateway: Gateway = self.texts

    def check(self, campaign_id: int, **blocks: int) -> Any:
        """And judge for the other channel."""
        verdict = super().check(campaign_id, **blocks)
        plan_fallback(self.record, self.clock, self.settings, campaign_id, **blocks)
        return verdict

    def first(self, cohort: Path | dict[str, Any], **values: Any) -> int:
        """The whole job by text, with e-mail as the fallback; its number."""
        given = {"fallback": "email", "fallback_after": HOURS, **values}
        number = self.begin(cohort, **given)
        self.finish(number)
        return number

    def follow(self) -> list[int]:
        """Make what is due; which."""
        return begin_fallbacks(self.record, self.clock, self.settings, self.way)

    def way(self, channel: str, outbox: bool) -> Way:
        """The e-mails' gateway."""
        del channel
        return Way("outbox" if outbox else self.mails.name, self.mails.batch_limit)

    def mail(self, numbers: Iterable[int]) -> list[Summary]:
        """Bring campaigns by e-mail to their end."""
        self.gateway = self.mails
        try:
            return [self.finish(number) for number in numbers]
        finally:
            self.gateway = self.texts

    def fate(self, campaign_id: int, patient: int, state: str, reason: str | None = None) -> None:
        """What became of a message, as of when it was sent."""
        which = (message.c.campaign_id == campaign_id) & (message.c.patient_id == patient)
        with self.record.write() as connection:
            connection.execute(sa.update(message).where(which).values(state=state, reason=reason))

    def receipt(self, campaign_id: int, patient: int, outcome: str, reason: str = "") -> None:
        """A receipt comes, and is applied."""
        with self.record.read() as connection:
            reference = connection.scalars(
                sa.select(message.c.id).where(
                    message.c.campaign_id == campaign_id, message.c.patient_id == patient
                )
            ).one()
        event = f"{reference} {outcome}"
        said = Receipt(self.texts.name, event, reference, outcome, reason or None)
        keep_receipts(self.record, self.clock, [said])
        apply_receipts(self.record, self.clock)

    def mailed(self) -> dict[int, int]:
        """How many e-mails the relay took for each patient."""
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(message.c.id, message.c.patient_id).where(message.c.channel == "email")
            ).all()
        found: dict[int, int] = {}
        for row in rows:
            found[row.patient_id] = found.get(row.patient_id, 0) + self.mails.received[row.id]
        return {key: count for key, count in sorted(found.items()) if count}

    def taken(self) -> dict[int, int | None]:
        """By which campaign each person was taken who may be."""
        one = fallback_person.c
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(one.patient_id, one.taken_by).where(one.outcome == "accepted")
            )
            return {row.patient_id: row.taken_by for row in rows}

    def plan(self, campaign_id: int) -> Plan | None:
        """How many are reached how."""
        with self.record.read() as connection:
            return plan_of(connection, get_campaign(connection, campaign_id))

    def states(self, campaign_id: int) -> dict[int, tuple[str, str | None]]:
        """What became of each patient's message."""
        with self.record.read() as connection:
            rows = connection.execute(
                sa.select(message.c.patient_id, message.c.state, message.c.reason)
                .where(message.c.campaign_id == campaign_id)
                .order_by(message.c.patient_id)
            )
            return {row.patient_id: (row.state, row.reason) for row in rows}

    def later(self, hours: float) -> datetime:
        """So much time goes by."""
        self.clock.sleep(timedelta(hours=hours).total_seconds())  # type: ignore[attr-defined]
        return self.clock.now()


FAILED = (states.UNDELIVERED, states.REJECTED, states.EXHAUSTED)
