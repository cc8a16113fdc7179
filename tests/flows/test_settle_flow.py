"""COM-6, ACX-33, ACX-34, NEW-5, NEW-11: the flow that settles, through a real Prefect server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from prefect.client.schemas.objects import State

from clinic.gateway.received import Inbound, Receipt
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies, list_replies
from clinic.message.outcomes.summary import summarize
from clinic.message.sending.deliver import deliver
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.people import clinical_item, consent
from clinic.settings import Settings
from flows.settle import settle
from tasks.wiring import Wiring, use
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.references import message_id

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_server")]


@pytest.fixture
def parts(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[Wiring]:
    settings = Settings(home=tmp_path, phones={"test_range": True})  # type: ignore[arg-type]
    install(sqlite_record, clock)
    parts = Wiring(settings, sqlite_record, clock, Worker(tmp_path / "workers"))
    use(parts)
    yield parts
    use(None)


def test_one_run_settles_all_that_came_back_and_a_second_changes_nothing(
    parts: Wiring, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-6, ACX-33, NEW-5: receipts applied, STOP noted for the patient, the late write-back done."""
    record = parts.record
    add_patients(record, 4)
    number = add_campaign(record, clock, 4)
    deliver(make_ledger(record, clock, tmp_path / "worker"), FakeGateway(), number, 1, 1)
    summarize(record, clock, number)
    keep_receipts(record, clock, [Receipt("fake", "1", message_id(number, 1), "delivered")])
    keep_replies(
        record, clock, [Inbound("fake", "2", "sms", "+447700900002", "stop")], parts.settings.phones
    )
    for first in (True, False):
        state: State[object] = settle(return_state=True)
        assert (state.is_completed(), state.name) == (True, "Completed" if first else "Idle")
        assert ("1 receipt applied, 1 reply noted" in (state.message or "")) == first
        assert message_states(record, number) == {"accepted": 3, "delivered": 1}
        with record.read() as connection:
            saved = connection.execute(sa.select(sa.func.count()).select_from(clinical_item))
            assert saved.scalar_one() == 4
            decided = connection.execute(sa.select(consent.c.patient_id)).scalars().all()
            assert decided == [2]
        assert [one.patients for one in list_replies(record, keywords=True)] == [1]


def test_72_hours_later_the_same_flow_ends_the_waiting(
    parts: Wiring, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-34."""
    record = parts.record
    add_patients(record, 2)
    number = add_campaign(record, clock, 2)
    deliver(make_ledger(record, clock, tmp_path / "worker"), FakeGateway(), number, 1, 1)
    summarize(record, clock, number)
    settle()
    clock.sleep(73 * 3600)
    settle()
    assert message_states(record, number) == {"undelivered": 2}


def test_a_campaign_whose_sender_died_is_asked_to_go_on(parts: Wiring, clock: FakeClock) -> None:
    """NEW-3: and a step that cannot be done, here for want of a deployment, stops no other."""
    record = parts.record
    add_patients(record, 2)
    add_campaign(record, clock, 2)
    keep_replies(
        record, clock, [Inbound("fake", "2", "sms", "+447700900002", "hi")], parts.settings.phones
    )
    state: State[object] = settle(return_state=True)
    # Others have deployed on the shared server: theirs are not taken for this installation's
    assert state.is_failed()
    assert "message/message is not deployed" in (state.message or "")
    assert [one.patients for one in list_replies(record)] == [1]
