"""What a provider took since a time, by its own list: over HTTP page by page, or from a file of its pages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from clinic.errors import GatewayBusy, GatewayProblem, GatewayRefused, ListRefused
from clinic.gateway.incoming.sent_list import fetch_sent, read_sent_file
from clinic.settings import SmsGateway
from tests.servers.scripted import Deed, hang_up, reply, scripted_http

SINCE = datetime(2026, 3, 2, 2, 10, tzinfo=UTC)


def settings_for(url: str) -> SmsGateway:
    return SmsGateway(gateway_class="B", url=url, token=SecretStr("t"), timeout_seconds=2)


def page(*entries: dict[str, str], after: str | None = None) -> Deed:
    return reply(200, orjson.dumps({"messages": entries, "next": after}))


def test_every_page_is_fetched_to_the_end() -> None:
    one = {"reference": "16777218", "id": "g-1", "status": "accepted", "at": "2026-03-02T03:00:00Z"}
    two = {"reference": "16777219", "id": "g-1", "status": "delivered"}
    with scripted_http(page(one, after="c1"), page(two)) as server:
        found = list(fetch_sent(settings_for(server.url + "/v1"), SINCE, gateway="http-sms"))
        lines = [request.decode().splitlines()[0] for request in server.requests]
    assert [[(r.reference, r.outcome) for r in each] for each in found] == [
        [(16777218, "accepted")], [(16777219, "delivered")],
    ]  # fmt: skip
    assert lines == [
        "GET /v1/messages?since=2026-03-02T02:10:00Z&after= HTTP/1.1",
        "GET /v1/messages?since=2026-03-02T02:10:00Z&after=c1 HTTP/1.1",
    ]
    # One id for both: what names the evidence is the message and what is said of it
    assert len({r.event_id for each in found for r in each}) == 2


@pytest.mark.parametrize(
    ("deed", "problem"),
    [
        (reply(401), GatewayRefused),
        (reply(404), GatewayRefused),
        (reply(200, b'{"receipts": []}'), GatewayRefused),  # another list than was asked for
        (reply(200, b"<html>"), GatewayRefused),
        (page({"reference": "5", "status": "on its way, perhaps"}), GatewayRefused),
        (reply(429), GatewayBusy),
        (reply(500), GatewayBusy),
        (hang_up, GatewayBusy),
    ],
)
def test_what_is_no_whole_list_is_none(deed: Deed, problem: type[GatewayProblem]) -> None:
    """A part of it would make those in the rest be sent again."""
    with scripted_http(deed) as server, pytest.raises(problem):
        list(fetch_sent(settings_for(server.url), SINCE, gateway="http-sms"))


def test_a_file_of_the_providers_pages(tmp_path: Path) -> None:
    path = tmp_path / "sent.csv"
    path.write_text("\ufeffDate,Reference,Status\n2 Mar,16777218,Delivered\n2 Mar,16777219,\n")
    (found,) = read_sent_file(path, gateway="http-sms")
    assert [(r.reference, r.outcome) for r in found] == [
        (16777218, "delivered"), (16777219, "accepted"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Date,Number\n2 Mar,5\n", "no column 'reference'"),
        ("", "no column 'reference'"),
        ("reference\n16777218\n+447700900001 x\n", "row 3, column 'reference'"),
        ("reference,status\n16777218,perhaps\n", "row 2, column 'reference'"),
    ],
)
def test_a_file_of_another_form_is_refused_whole(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "sent.csv"
    path.write_text(text)
    with pytest.raises(ListRefused, match=says) as refused:
        list(read_sent_file(path, gateway="http-sms"))
    assert "7700900001" not in str(refused.value)
