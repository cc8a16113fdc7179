"""NEW-3: a gateway's name that comes to lead to another provider, or promises less, doubles nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.gateway.protocol import GatewayClass
from clinic.message.sending.deliver import deliver
from clinic.message.sending.place import place_of
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, submission
from clinic.settings import Settings
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

JSON = {
    "type": "json", "url": "https://a.example/messages", "gateway_class": "I", "token": "t",
    "sender": "Practice", "headers": {"Idempotency-Key": "{key}"},
    "body": {"to": "{to}", "text": "{body}", "account": "7"}, "id_at": "id",
}  # fmt: skip
NOTIFY = {
    "type": "govuk_notify", "sms_template": "f33517ff-2a88-4f6e-b855-c550268ce08a",
    "api_key": f"live-{'1' * 8}-2222-3333-4444-{'5' * 12}-{'6' * 8}-7777-8888-9999-{'0' * 12}",
}  # fmt: skip
SMPP = {
    "type": "smpp",
    "host": "a.example",
    "system_id": "one",
    "password": "p",
    "sender": "Practice",
}
SMTP = {"type": "smtp", "host": "a.example", "sender": "p@a.example"}
SMS = {"url": "https://a.example/v1", "gateway_class": "I", "token": "t"}


def named(section: dict[str, Any], **changed: Any) -> Settings:
    return Settings.model_validate({"gateways": {"acme": {**section, **changed}}})


def sms(**changed: Any) -> Settings:
    return Settings.model_validate({"sms": {**SMS, **changed}})


class Practice:
    """A campaign of three, whose first call was taken by A and never answered."""

    def __init__(self, record: Record, clock: FakeClock, folder: Path, name: str = "acme") -> None:
        self.record, self.clock, self.folder, self.name = record, clock, folder, name
        add_patients(record, 3)
        self.number = add_campaign(record, clock, 3, batch_size=3, gateway=name)
        self.first = FakeGateway(name=name, window=timedelta(hours=24))

    def work(self, settings: Settings, gateway: FakeGateway) -> None:
        ledger = make_ledger(self.record, self.clock, self.folder, settings=settings)
        deliver(ledger, gateway, self.number, 1, 1, patience=timedelta(seconds=0))
        self.clock.sleep(120)

    def cut(self, settings: Settings) -> None:
        self.first.plan = ["cut"]
        self.work(settings, self.first)
        assert message_states(self.record, self.number) == {"pending": 3}

    def halted(self) -> str | None:
        with self.record.read() as connection:
            code: str | None = connection.scalar(
                sa.select(campaign.c.state_reason).where(campaign.c.id == self.number)
            )
            return code


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (named(JSON), named(JSON, url="https://b.example/messages"), "acme"),
        (named(JSON), named(JSON, sender="Other"), "acme"),
        (named(JSON), named(JSON, body={**JSON["body"], "account": "8"}), "acme"),  # type: ignore[dict-item]
        (named(JSON), named(SMPP), "acme"),
        (named(JSON), named(SMTP), "acme"),
        (sms(), sms(url="https://b.example/v1"), "http-sms"),
    ],
)
def test_what_one_provider_may_have_is_not_asked_of_another_of_its_name(
    record: Record, clock: FakeClock, tmp_path: Path, before: Settings, after: Settings, name: str
) -> None:
    practice = Practice(record, clock, tmp_path, name)
    practice.cut(before)
    blind = any(one.type in ("smpp", "smtp") for one in after.gateways.values())
    second = FakeGateway("B" if blind else "I", name=name)
    practice.work(after, second)
    assert (second.calls, practice.halted()) == (0, "gateway-gone")
    assert message_states(record, practice.number) == {"pending": 3}
    # Put back as it was, it goes on: the first says what it has
    with record.write() as connection:
        connection.execute(sa.update(campaign).values(state="running", state_reason=None))
    practice.work(before, practice.first)
    assert message_states(record, practice.number) == {"accepted": 3}
    assert set(practice.first.received.values()) == {1}


@pytest.mark.parametrize(
    "after",
    [
        named(JSON, token="another", timeout_seconds=3, segment_cost=0.1, url="https://a.example/messages/"),
        named(JSON, connections=1, proxy_url="http://proxy.example:3128", id_at="message.id"),
    ],
)  # fmt: skip
def test_what_says_nothing_of_who_it_is_changes_nothing(
    record: Record, clock: FakeClock, tmp_path: Path, after: Settings
) -> None:
    """A login is replaced every year; the provider stays the same."""
    practice = Practice(record, clock, tmp_path)
    practice.cut(named(JSON))
    practice.work(after, practice.first)
    assert message_states(record, practice.number) == {"accepted": 3}
    assert set(practice.first.received.values()) == {1}


def test_a_submission_of_before_is_asked_by_its_gateways_name(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path)
    practice.cut(named(JSON))
    with record.write() as connection:
        connection.execute(sa.update(submission).values(place_sha256=None))
    practice.work(named(JSON, url="https://b.example/messages"), practice.first)
    assert message_states(record, practice.number) == {"accepted": 3}


@pytest.mark.parametrize(
    ("then", "now", "window"),
    [("I", "B", None), ("R", "B", None), ("I", "R", None), ("R", "I", None), ("I", "I", 30)],
)
def test_where_the_promise_was_taken_back_nothing_is_asked_and_they_are_listed(
    record: Record, clock: FakeClock, tmp_path: Path, then: GatewayClass, now: GatewayClass, window: int | None
) -> None:  # fmt: skip
    """window: seconds for which it says by now that it remembers a key; the call is two minutes old."""
    practice = Practice(record, clock, tmp_path)
    practice.first.gateway_class = then
    practice.cut(named(JSON))
    second = FakeGateway(now, name="acme", window=window and timedelta(seconds=window))  # type: ignore[arg-type]
    practice.work(named(JSON), second)
    assert second.calls == 0
    assert message_states(record, practice.number) == {"unknown": 3}


def test_a_place_has_nothing_of_a_secret_and_tells_accounts_apart() -> None:
    one = place_of(named(NOTIFY), "acme")
    key = str(NOTIFY["api_key"])
    assert one == place_of(named(NOTIFY, api_key=key[:-4] + "abcd"), "acme")
    assert one != place_of(named(NOTIFY, api_key=key.replace("11111111", "11111112")), "acme")
    assert place_of(named(SMPP), "acme") != place_of(named(SMPP, system_id="two"), "acme")
    assert place_of(named(SMPP), "acme") == place_of(named(SMPP, password="q"), "acme")
    mail = [{"host": "a.example", "sender": "p@a.example", "port": port} for port in (25, 587)]
    assert len({place_of(Settings.model_validate({"email": own}), "smtp") for own in mail}) == 2
    assert place_of(Settings(), "outbox") is None


def test_a_relay_is_another_by_host_login_or_sender_and_the_same_by_anything_else() -> None:
    before = place_of(named(SMTP), "acme")
    for other in ({"host": "b.example"}, {"port": 25}, {"sender": "q@a.example"},
                  {"user": "u", "password": "p"}, {"tls": "implicit"}):  # fmt: skip
        assert place_of(named(SMTP, **other), "acme") != before, other
    for same in (
        {"html": True},
        {"connections": 1},
        {"bounce_address": "b@a.example", "verp": True},
    ):
        assert place_of(named(SMTP, **same), "acme") == before, same
