"""
The process that settles, killed at random statements, and the two people who settle what it cannot.

It does what flows/settle.py does, with the same calls into `clinic`, on a record of its own: before any
statement of it the process may be gone, in the middle of a transaction too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed
from clinic.govern.people.operators import find_operator
from clinic.message import states
from clinic.message.incoming.apply_receipts import Applied, apply_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.resolve_unknown import Fate, ask_to_settle, settle_unknowns
from clinic.message.sending.save_pending import save_unsaved
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import batch, campaign, message
from clinic.record.schema.people import clinical_item
from clinic.settings import Receipts
from tests.fakes import FakeClock
from tests.simulation.network import Network
from tests.simulation.truth import ITEM, Truth

Apply = Callable[[Record, FakeClock], Applied]
SILENCE = timedelta(hours=72)


class Killed(BaseException):
    """The process is gone: nothing catches this on its way."""


def hurry(record: Record) -> Record:
    """Wait for no disk: processes are killed in this year, but the power never fails. SQLite only."""
    record.close()
    sa.event.listen(
        record.engine, "connect", lambda opened, _: opened.execute("PRAGMA synchronous=OFF")
    )
    return record


class Settler:
    """Settles now and then, and is killed now and then. `faults` names waits that did not end."""

    def __init__(
        self,
        record: Record,
        clock: FakeClock,
        truth: Truth,
        network: Network,
        draw: random.Random,
        *,
        apply: Apply = apply_receipts,
        settings: Receipts | None = None,
    ) -> None:
        """`apply`, `settings`: others than the product's are negative controls."""
        self.people = record
        self.record = hurry(Record.open(str(record.engine.url)))
        self.clock = clock
        self.truth = truth
        self.network = network
        self.draw = draw
        self.apply = apply
        self.settings = settings or Receipts()
        self.calm = False
        self.kills = 0
        self.faults: list[str] = []
        sa.event.listen(self.record.engine, "before_cursor_execute", self._live_on)
        with record.write() as connection:
            for name, role in (("ann", "team_lead"), ("bea", "manager")):
                connection.execute(
                    sa.insert(operator).values(
                        name=name, role=role, secret_hash="none", created_at=clock.now(),
                        created_by="tests",
                    )
                )  # fmt: skip

    def _live_on(self, *_: object) -> None:
        if not self.calm and self.draw.random() < 0.01:
            raise Killed

    def run(self) -> bool:
        """Settle once; whether the process lived to the end of it."""
        try:
            self._take_in()
            self.apply(self.record, self.clock)
            save_unsaved(self.record, self.clock)
            end_waiting(self.record, self.clock, self.settings)
        except Killed:
            self.kills += 1
            return False
        return True

    def _take_in(self) -> None:
        """What the gateway pushes; what is not confirmed comes again."""
        come = self.network.due(self.clock.now())
        try:
            keep_receipts(self.record, self.clock, come)
        except Killed:
            self.network.again(come, self.clock.now() + timedelta(minutes=5))
            raise
        self.truth.hear(come)

    def look_around(self) -> None:
        """
        Right after a run nothing has been Pending for more than 72 hours, unless people said "sent", and
        all that was tried is on the record, unless somebody is at work on its batch.
        """
        limit = self.clock.now() - SILENCE
        sent_at = sa.func.coalesce(message.c.sent_at, message.c.status_at)
        waits = sa.select(message.c.id).where(
            message.c.state == states.ACCEPTED, message.c.reason.is_(None),
            message.c.status_at <= limit, sent_at <= limit,
        )  # fmt: skip
        unsaved = (
            sa.select(message.c.id)
            .join(batch, batch.c.id == message.c.batch_id)
            .join(campaign, campaign.c.id == message.c.campaign_id)
            .outerjoin(clinical_item, clinical_item.c.id == message.c.id)
            .where(
                message.c.state.in_(ITEM), clinical_item.c.id.is_(None),
                batch.c.state != states.LEASED,
                (campaign.c.save_when == "sent") | (message.c.state == states.DELIVERED),
            )
        )  # fmt: skip
        with self.people.read() as connection:
            for what, query in (("waits for more than 72 hours", waits), ("not saved", unsaved)):
                keys = connection.scalars(query).all()
                self.faults += [f"{what}: {key} {self.clock.now()}" for key in keys]

    def mislead(self) -> None:
        """A receipt of nothing, or of a message that was suppressed."""
        with self.people.read() as connection:
            left_out = connection.scalar(
                sa.select(message.c.id).where(message.c.state == states.SUPPRESSED).limit(1)
            )
        self.network.stray(self.draw.choice((None, left_out)), self.clock.now())

    def ask_people(self) -> None:
        """Ann and Bea agree on some of the unknown messages of a campaign; they may be wrong."""
        with self.people.read() as connection:
            rows = connection.execute(
                sa.select(message.c.id, message.c.campaign_id, message.c.row_number).where(
                    message.c.state == states.UNKNOWN,
                    message.c.sent_at <= self.clock.now() - SILENCE,
                )
            ).all()
            bea = find_operator(connection, "bea")
        if not rows or bea is None:
            return
        number = self.draw.choice(rows).campaign_id
        fate: Fate = self.draw.choice(("sent", "not_sent"))
        chosen = {row.row_number: row.id for row in rows if row.campaign_id == number}
        try:
            approval = ask_to_settle(
                self.people, self.clock, number, fate, rows=chosen, requested_by="ann",
                reason="simulated", expires_in=SILENCE,
            )  # fmt: skip
            decide(self.people, self.clock, approval, operator=bea, decision="approved", note="ok")
            self.run()  # meanwhile a receipt may tell, and voids what they agreed on
            settle_unknowns(self.people, self.clock, number, fate, rows=chosen)
        except NotAllowed:
            return
        self.truth.settled.update(dict.fromkeys(chosen.values(), fate))

    def close(self) -> None:
        """Give back its connections."""
        self.record.close()
