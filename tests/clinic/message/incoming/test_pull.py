"""ACX-34, NEW-11: what was pushed while nobody listened is fetched; what was not saved is saved later."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from clinic.errors import GatewayBusy, GatewayProblem, GatewayRefused
from clinic.gateway.incoming.parse import Incoming
from clinic.gateway.incoming.pull import fetch_page
from clinic.gateway.received import Inbound, Receipt
from clinic.message.incoming.pull import pull
from clinic.message.incoming.receipts import count_inbox
from clinic.message.incoming.replies import list_replies
from clinic.message.sending.deliver import deliver
from clinic.message.sending.save_pending import save_unsaved
from clinic.record.database import Record
from clinic.record.schema.people import clinical_item
from clinic.settings import Phones, SmsGateway
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.servers.scripted import hang_up, reply, scripted_http

PHONES = Phones(test_range=True)
PAGES: dict[str | None, Incoming] = {
    None: Incoming([Receipt("fake", "1", 5, "delivered")], next="a"),
    "a": Incoming([], [Inbound("fake", "2", "sms", "+447700900001", "hello")], next="b"),
    "b": Incoming([Receipt("fake", "3", 6, "delivered")], next="b"),
}


def test_a_pull_takes_every_page_and_the_next_one_goes_on_from_there(
    record: Record, clock: FakeClock
) -> None:
    asked: list[str | None] = []

    def fetch(after: str | None) -> Incoming:
        asked.append(after)
        return PAGES[after]

    assert pull(record, clock, fetch, gateway="fake", phones=PHONES) == 3
    assert pull(record, clock, fetch, gateway="fake", phones=PHONES) == 0
    assert asked == [None, "a", "b", "b"]
    assert count_inbox(record).waiting == 2
    assert [one.text for one in list_replies(record)] == ["hello"]


def test_a_pull_that_breaks_off_keeps_what_it_had(record: Record, clock: FakeClock) -> None:
    def fetch(after: str | None) -> Incoming:
        if after == "a":
            raise GatewayBusy("receipts-unreachable", "no")
        return PAGES[after]

    for _ in range(2):
        with pytest.raises(GatewayBusy):
            pull(record, clock, fetch, gateway="fake", phones=PHONES)
    assert count_inbox(record).waiting == 1


def settings_for(url: str) -> SmsGateway:
    return SmsGateway(gateway_class="I", url=url, token=SecretStr("t"), timeout_seconds=2)


def test_a_page_is_asked_for_by_its_cursor_and_read(tmp_path: Path) -> None:
    body = orjson.dumps(
        {"receipts": [{"id": "1", "reference": "9", "status": "delivered"}], "next": "c2"}
    )
    with scripted_http(reply(200, body)) as server:
        page = fetch_page(settings_for(server.url + "/v1"), "c 1", gateway="http-sms")
        head = server.requests[0].decode().splitlines()
    assert page.next == "c2"
    assert [one.reference for one in page.receipts] == [9]
    assert head[0] == "GET /v1/receipts?after=c+1 HTTP/1.1"
    assert "Authorization: Bearer t" in head


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        (reply(401), GatewayRefused),
        (reply(404), GatewayRefused),
        (reply(302), GatewayRefused),
        (reply(200, b"<html>"), GatewayRefused),
        (reply(429), GatewayBusy),
        (reply(503), GatewayBusy),
        (hang_up, GatewayBusy),
    ],
)
def test_a_gateway_that_gives_no_page_is_busy_or_refuses(
    deed: object, problem: type[GatewayProblem]
) -> None:
    with scripted_http(deed) as server, pytest.raises(problem):  # type: ignore[arg-type]
        fetch_page(settings_for(server.url), None, gateway="http-sms")


def test_what_was_sent_while_the_record_was_closed_is_saved_later(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """ACX-33, NEW-11: the write-back waits in the ledger, and is done once."""
    add_patients(record, 5)
    for _ in range(2):
        number = add_campaign(record, clock, 5, batch_size=2)
        deliver(make_ledger(record, clock, tmp_path / str(number)), FakeGateway(), number, 1, 3)
    assert items(record) == 0
    assert save_unsaved(record, clock) == 2
    assert save_unsaved(record, clock) == 0
    assert items(record) == 10


def items(record: Record) -> int:
    with record.read() as connection:
        query = sa.select(sa.func.count()).select_from(clinical_item)
        return int(connection.execute(query).scalar_one())
