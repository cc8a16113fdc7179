"""Issue 18: the ledger over real providers' gateways, whose answers get lost: nobody twice, nobody lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.gateway.received import Receipt
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import message, submission
from clinic.record.schema.people import patient
from clinic.settings import Receipts
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.servers.providers.notify import KEY, TEMPLATE, GovukNotify, NhsNotify
from tests.servers.providers.verdicts import built
from tests.servers.stand_in import Asked, Said, standing_in

PEOPLE = 7


def losing(answer: Callable[[Asked], Said], *lost: int) -> Callable[[Asked], Said]:
    """The same provider, which does its work and is cut off before some of its answers are whole."""
    count = 0

    def answer_and_lose(asked: Asked) -> Said:
        nonlocal count
        said, count = answer(asked), count + 1
        return Said(said.body, said.status, said.headers, cut=count in lost)

    return answer_and_lose


def campaign(record: Record, clock: FakeClock) -> int:
    add_patients(record, PEOPLE)
    return add_campaign(record, clock, PEOPLE, batch_size=PEOPLE, gateway="mine")


def send(record: Record, clock: FakeClock, folder: Path, number: int, gateway: Any) -> None:
    try:
        deliver(make_ledger(record, clock, folder), gateway, number, 1, 1)
    finally:
        gateway.close()


@pytest.mark.parametrize("lost", [(1,), (2,), (1, 2), (1, 3), (2, 3, 4)])
def test_batches_whose_answers_get_lost_are_asked_again_and_nobody_has_it_twice(
    record: Record, clock: FakeClock, tmp_path: Path, lost: tuple[int, ...]
) -> None:
    """NHS Notify, class I by the batch's key: its 422 is the answer that was lost."""
    number = campaign(record, clock)
    provider = NhsNotify()
    with standing_in(losing(provider.answer, *lost)) as server:
        url = f"http://127.0.0.1:{server.port}/comms"
        send(
            record, clock, tmp_path, number, built("nhs_notify", "sms", clock, url=url, per_batch=3)
        )
    assert message_states(record, number) == {"accepted": PEOPLE}
    assert sorted(provider.told.values()) == [1] * PEOPLE


@pytest.mark.parametrize("lost", [(1,), (3,), (2, 5)])
def test_of_a_blind_provider_a_lost_answer_is_one_unknown_and_no_second_message(
    record: Record, clock: FakeClock, tmp_path: Path, lost: tuple[int, ...]
) -> None:
    """GOV.UK Notify, class B: each lost answer costs one message its fate, until its receipt comes."""
    number = campaign(record, clock)
    provider = GovukNotify(clock)
    with standing_in(losing(provider.answer, *lost)) as server:
        url = f"http://127.0.0.1:{server.port}"
        login = {"url": url, "api_key": KEY, "sms_template": TEMPLATE, "connections": 1}
        send(record, clock, tmp_path, number, built("govuk_notify", "sms", clock, **login))
    expected = {"unknown": len(lost), "accepted": PEOPLE - len(lost)}
    assert message_states(record, number) == expected
    sent = [taken["reference"] for taken in provider.taken]
    assert len(sent) == len(set(sent)) == PEOPLE
    receipts = [Receipt("mine", f"e{key}", int(key), "delivered") for key in sent]
    keep_receipts(record, clock, receipts)
    apply_receipts(record, clock)
    assert message_states(record, number) == {"delivered": PEOPLE}


def test_a_receipt_that_is_there_before_the_answer_and_a_strangers_change_nothing_wrongly(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    number = campaign(record, clock)
    provider = GovukNotify(clock)

    def answer(asked: Asked) -> Said:
        said = provider.answer(asked)
        key = int(provider.taken[-1]["reference"])
        told = [
            Receipt("mine", f"d{key}", key, "delivered"),
            Receipt("mine", f"a{key}", key, "accepted"),
            Receipt("another", f"u{key}", key, "undelivered", "absent_subscriber"),
        ]
        keep_receipts(record, clock, told)
        keep_receipts(record, clock, told)
        apply_receipts(record, clock)
        return said

    with standing_in(answer) as server:
        login = {"url": f"http://127.0.0.1:{server.port}", "api_key": KEY, "sms_template": TEMPLATE}
        gateway = built("govuk_notify", "sms", clock, connections=1, timeout_seconds=20, **login)
        send(record, clock, tmp_path, number, gateway)
    done = apply_receipts(record, clock)
    assert message_states(record, number) == {"delivered": PEOPLE}
    assert done.applied == 2 * PEOPLE


def test_a_gateway_that_wants_nhs_numbers_gets_them_and_the_record_keeps_who_sent(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    number = campaign(record, clock)
    with record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 1).values(nhs_number="9990548609")
        )
    provider = NhsNotify()
    with standing_in(provider.answer) as server:
        url = f"http://127.0.0.1:{server.port}/comms"
        send(record, clock, tmp_path, number, built("nhs_notify", "sms", clock, url=url))
    assert sorted(provider.numbers, key=str) == ["9990548609"] + [None] * (PEOPLE - 1)
    with record.read() as connection:
        assert set(connection.scalars(sa.select(message.c.gateway))) == {"mine"}
        assert set(connection.scalars(sa.select(submission.c.gateway))) == {"mine"}


def test_what_another_gateway_left_open_is_not_asked_of_this_one(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """A replay goes to the gateway that may have taken it, or nowhere."""
    number = campaign(record, clock)
    provider = NhsNotify()
    with standing_in(lambda _: Said("", 500)) as server:
        url = f"http://127.0.0.1:{server.port}/comms"
        send(record, clock, tmp_path, number, built("nhs_notify", "sms", clock, url=url))
    with record.write() as connection:
        connection.execute(sa.update(submission).values(gateway="before"))
    clock.sleep(600)
    with standing_in(provider.answer) as server:
        url = f"http://127.0.0.1:{server.port}/comms"
        send(record, clock, tmp_path, number, built("nhs_notify", "sms", clock, url=url))
        assert server.asked == []
    assert message_states(record, number) == {"pending": PEOPLE}


def test_a_gateway_that_tells_nobody_fails_nobody_after_three_days(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """What is called failed can be sent again: of SNS no receipt ever comes."""
    number = campaign(record, clock)
    provider = GovukNotify(clock)
    with standing_in(provider.answer) as server:
        login = {"url": f"http://127.0.0.1:{server.port}", "api_key": KEY, "sms_template": TEMPLATE}
        send(record, clock, tmp_path, number, built("govuk_notify", "sms", clock, **login))
    clock.sleep(80 * 3600)
    assert end_waiting(record, clock, Receipts(), silent={"mine"}) == 0
    assert message_states(record, number) == {"accepted": PEOPLE}
