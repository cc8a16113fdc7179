"""Four processes send one campaign from one ledger: no overlap, no loss, and the pace holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

import sqlalchemy as sa

from clinic.clock import SystemClock
from clinic.gateway.outbox import Outbox
from clinic.gateway.protocol import Answer, Outgoing
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.schema.messages import batch, submission
from clinic.record.schema.outbox import outbox
from clinic.settings import Pace, Pacing
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.processes import ONE_SERVER, processes
from tests.references import message_id

PROCESSES, PEOPLE, A_SECOND = 4, 900, 300
PACED = Timing(pacing=Pacing(sms=Pace(per_second=A_SECOND)))


class MetOutbox(Outbox):
    """An outbox whose first message waits until every process has one to send."""

    def __init__(self, record: Record, all_here: Barrier) -> None:
        super().__init__(record, "sms")
        self._all_here: Barrier | None = all_here

    def send(
        self, key: str, messages: Sequence[Outgoing], *, per_request: int, only: frozenset[int]
    ) -> Answer:
        waiting, self._all_here = self._all_here, None
        if waiting is not None:
            waiting.wait(120)
        return super().send(key, messages, per_request=per_request, only=only)


def send(url: str, folder: str, number: int, all_here: Barrier) -> None:
    """What each process does."""
    record = Record.open(url)
    ledger = make_ledger(record, SystemClock(), Path(folder), timing=PACED)
    deliver(ledger, MetOutbox(record, all_here), number, 1, 100)
    ledger.worker.close()
    record.close()


@ONE_SERVER
def test_four_processes_send_one_campaign(record_url: str, tmp_path: Path) -> None:
    """NEW-3, NEW-7: each message once, none lost, no second with more than the lane takes."""
    record, clock = Record.open(record_url), SystemClock()
    add_patients(record, PEOPLE)
    number = add_campaign(record, clock, PEOPLE, batch_size=50)
    all_here = processes.Barrier(PROCESSES)
    workers = [
        processes.Process(target=send, args=(record_url, str(tmp_path), number, all_here))
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    assert message_states(record, number) == {"delivered": PEOPLE}
    with record.read() as connection:
        kept = Counter(connection.scalars(sa.select(outbox.c.reference)).all())
        intents = connection.execute(
            sa.select(submission.c.created_at, submission.c.members, submission.c.owner)
            .join(batch, batch.c.id == submission.c.batch_id)
            .order_by(submission.c.created_at)
        ).all()
    assert kept == {message_id(number, n): 1 for n in range(1, PEOPLE + 1)}
    assert len({row.owner for row in intents}) == PROCESSES
    for first in intents:
        within = [
            len(row.members) // 8
            for row in intents
            if 0 <= (row.created_at - first.created_at).total_seconds() < 1
        ]
        assert sum(within) <= A_SECOND
    assert summarize(record, clock, number).state == "completed"
    record.close()
