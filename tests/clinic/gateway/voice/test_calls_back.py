"""ARC-8: what Twilio calls back with of a call, from the signed request to what became of the patient."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestClient, TestServer

from clinic.gateway.incoming.callbacks import callbacks_of
from clinic.gateway.incoming.server import ReceiptServer
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.inbox import RecordKeeper
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.record.schema.receipts import address_decision, receipt_unread
from clinic.settings import Phones, Settings
from tests.fakes import FakeClock
from tests.main_job import Practice
from tests.servers.providers.cloud import ACCOUNT

SECRET = "a token that nobody guesses"
PUBLIC = "https://cohort.example.org"
SETTINGS = Settings.model_validate(
    {"gateways": {"calls": {
        "type": "twilio_voice", "account": ACCOUNT, "auth_token": SECRET, "sender": "+441632960999",
        "callback_url": PUBLIC,
    }}}
)  # fmt: skip
CALL = {"CallSid": "CA1", "To": "+447700900001", "From": "+441632960999"}


def post(
    record: Record, clock: FakeClock, reference: int, form: Mapping[str, str], key: str = SECRET
) -> tuple[int, str]:
    """A callback as Twilio makes it, to a server over the record: status and what it reads."""
    path = f"/gateways/calls/receipts/{reference}"
    said = PUBLIC + path + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.digest(key.encode(), said.encode(), "sha1")).decode()
    headers = {
        "X-Twilio-Signature": signature,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    server = ReceiptServer(
        RecordKeeper(record, clock, Phones(test_range=True)), clock, key=None, gateway="http-sms",
        callbacks=callbacks_of(SETTINGS),
    )  # fmt: skip

    async def run() -> tuple[int, str]:
        async with TestClient(TestServer(server.app())) as client:
            async with client.post(path, data=urlencode(form).encode(), headers=headers) as answer:
                return answer.status, await answer.text()

    return asyncio.run(run())


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Two patients who were called, and whose calls the gateway has."""
    made = Practice(sqlite_record, clock, tmp_path, channels=("voice",))
    made.patients(2)
    made.gateway.name = "calls"
    made.run(made.everybody(2), channel="voice")
    return made


def states(practice: Practice) -> list[tuple[str, str | None]]:
    with practice.record.read() as connection:
        query = sa.select(message.c.state, message.c.reason).order_by(message.c.id)
        return [(row.state, row.reason) for row in connection.execute(query)]


def references(practice: Practice) -> list[int]:
    with practice.record.read() as connection:
        return list(connection.scalars(sa.select(message.c.id).order_by(message.c.id)))


@pytest.mark.parametrize(
    ("form", "state", "reason"),
    [
        ({"CallStatus": "completed", "AnsweredBy": "human"}, "delivered", None),
        ({"CallStatus": "completed", "AnsweredBy": "machine_end_beep"}, "undelivered", "machine_answered"),
        ({"CallStatus": "completed", "AnsweredBy": "unknown"}, "accepted", None),
        ({"CallStatus": "completed"}, "accepted", None),
        ({"CallStatus": "no-answer"}, "undelivered", "not_answered"),
        ({"CallStatus": "busy"}, "undelivered", "busy"),
        ({"CallStatus": "failed", "SipResponseCode": "404"}, "undelivered", "number_does_not_exist"),
        ({"CallStatus": "failed", "SipResponseCode": "503"}, "undelivered", "call_failed"),
        ({"CallStatus": "ringing"}, "accepted", None),
        ({"CallStatus": "transferred"}, "accepted", None),  # a word that is none: kept for a person
    ],
)  # fmt: skip
def test_a_person_who_answered_has_the_message_and_nobody_else(
    practice: Practice, clock: FakeClock, form: dict[str, str], state: str, reason: str | None
) -> None:
    """ARC-8: answered by a machine, busy, no answer and failed are outcomes; unknown is never one of them."""
    first, _ = references(practice)
    for _again in range(2):  # what comes again changes nothing
        assert post(practice.record, clock, first, CALL | form)[0] == 200
        apply_receipts(practice.record, clock)
    assert states(practice) == [(state, reason), ("accepted", None)]


def test_who_pressed_9_is_told_so_and_not_called_again(
    practice: Practice, clock: FakeClock
) -> None:
    """ARC-8, NEW-5: an opt-out of calls, at once and by its number; texts are another decision."""
    first, _ = references(practice)
    digits = CALL | {"Digits": "9", "CallStatus": "in-progress"}
    assert post(practice.record, clock, first, digits, key="another")[0] == 403
    status, spoken = post(practice.record, clock, first, digits)
    assert (status, "no more of these calls" in spoken) == (200, True)
    with practice.record.read() as connection:
        row = connection.execute(sa.select(address_decision)).one()
    assert (row.channel, row.address, row.decision) == ("voice", "+447700900001", "opt_out")
    practice.template("Come in.", key="other")
    again = practice.judge(
        practice.everybody(2), channel="voice", template="other", request_key="again"
    )
    assert again == {2: "opted_out", 3: "accepted"}


@pytest.mark.parametrize("number", [{}, {"To": ""}, {"To": " "}])
def test_nobody_is_told_that_calls_are_stopped_where_it_is_not_known_whose(
    practice: Practice, number: dict[str, str]
) -> None:
    """What cannot be read is kept for a person, and promises nothing."""
    first, _ = references(practice)
    digits = {"CallSid": "CA1", "From": "+441632960999", "Digits": "9"} | number
    assert post(practice.record, practice.clock, first, digits) == (200, "<Response />")
    assert practice.count(receipt_unread) == 1


def test_another_key_ends_the_call_and_decides_nothing(
    practice: Practice, clock: FakeClock
) -> None:
    first, _ = references(practice)
    status, spoken = post(practice.record, clock, first, CALL | {"Digits": "1"})
    assert (status, spoken) == (200, "<Response />")
    with practice.record.read() as connection:
        assert connection.execute(sa.select(address_decision)).all() == []
