"""Issue 18.6: what is configured and promised, whether it answers, one message to a number of one's own."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, NotFound
from clinic.health.gateways.checked import check_gateway
from clinic.health.gateways.listed import list_gateways
from clinic.health.gateways.tried import try_gateway
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.govern import audit_act
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients
from tests.servers.providers.cloud import ACCOUNT, Twilio
from tests.servers.providers.notify import KEY, TEMPLATE, GovukNotify
from tests.servers.stand_in import Asked, Said, standing_in

WHO = {"company": "Texts Ltd", "country": "GB", "contract": "C-7", "keeps": "texts, 7 days"}


def settings(**gateways: dict[str, Any]) -> Settings:
    named = {
        name: {"processor": WHO, "timeout_seconds": 2, **one} for name, one in gateways.items()
    }
    phones = {"test_range": True}
    return Settings.model_validate({"gateways": named, "phones": phones, "outbox": True})


def twilio(port: int, **more: Any) -> dict[str, Any]:
    login = {"account": ACCOUNT, "auth_token": "secret", "sender": "+447700900999"}
    return {"type": "twilio", "url": f"http://127.0.0.1:{port}", **login, **more}


def notify(port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    return {"type": "govuk_notify", "url": url, "api_key": KEY, "sms_template": TEMPLATE}


def test_every_gateway_is_listed_with_its_promise_and_what_waits_for_it(
    sqlite_record: Record, clock: FakeClock
) -> None:
    add_patients(sqlite_record, 1)
    add_campaign(sqlite_record, clock, 1, gateway="tw")
    add_campaign(sqlite_record, clock, 1, gateway="gone_one")
    own = settings(tw=twilio(9), nhs={"type": "nhs_notify"})
    own = own.model_copy(update={"channels": Settings.model_validate(
        {"gateways": {"tw": twilio(9)}, "channels": {"sms": {"gateways": ["tw"]}}}
    ).channels})  # fmt: skip
    found = {one.name: one for one in list_gateways(sqlite_record, own, clock.now())}
    assert found["tw"].channels == ("sms",)
    assert (found["tw"].gateway_class, found["tw"].waiting) == ("B", 1)
    assert (found["nhs"].gateway_class, found["nhs"].waiting) == ("I", 0)
    assert "nobody lost" in found["nhs"].promises
    assert found["tw"].receipts.startswith("none")
    assert "put" not in found["tw"].fault
    assert "campaigns wait for it" in found["gone_one"].fault


FIRST: dict[str, Any] = {"sms": {"url": "https://sms.example.org", "gateway_class": "B"}}
SMSC = {
    "type": "smpp", "host": "localhost", "system_id": "a", "password": "b", "sender": "60006",
}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "name", "says"),
    [
        (FIRST, "http-sms", "expected, and nothing takes them: failed after 72 h"),
        ({**FIRST, "receipts": {"pull": True}}, "http-sms", "told"),
        ({**FIRST, "receipts": {"secret": "s" * 16}}, "http-sms", "told"),
        ({**FIRST, "receipts": {"channels": ["voice"]}}, "http-sms", "none: what it took counts as sent"),
        ({"gateways": {"smsc": SMSC}}, "smsc", "told; without one it counts as sent"),
        ({"gateways": {"smsc": {**SMSC, "receipts": False}}}, "smsc", "none: what it took counts as sent"),
        ({"email": {"host": "relay"}}, "smtp", "none: what it took counts as sent"),
        ({"email": {"host": "relay"}, "receipts": {"secret": "s" * 16}}, "smtp", "told; without one"),
        ({"email": {"host": "relay"}, "receipts": {"channels": ["email"]}}, "smtp", "failed after 72 h"),
    ],
)  # fmt: skip
def test_what_a_missing_receipt_means_is_listed_as_it_is(
    sqlite_record: Record, clock: FakeClock, values: dict[str, Any], name: str, says: str
) -> None:
    (one,) = list_gateways(sqlite_record, Settings.model_validate(values), clock.now())
    assert (one.name, says in one.receipts) == (name, True), one.receipts


def test_a_check_knows_the_login_and_the_credit_and_sends_nothing() -> None:
    """COM-14: the balance, where the provider tells it."""
    provider = Twilio(balance="3.75")
    with standing_in(provider.answer) as server:
        found = check_gateway(settings(tw=twilio(server.port)), "tw", FakeClock())
        wrong = check_gateway(
            settings(tw=twilio(server.port, auth_token="another")), "tw", FakeClock()
        )
    assert any("credit 3.75 GBP" in one.says for one in found)
    assert [one.good for one in wrong if "balance" in one.says] == [False]
    assert provider.taken == []


@pytest.mark.parametrize(("template", "good"), [("((body))", True), ("Surgery: ((body))", False)])
def test_a_template_that_says_more_than_the_text_is_seen_before_the_first_message(
    template: str, good: bool, clock: FakeClock
) -> None:
    def answer(asked: Asked) -> Said | None:
        return Said({"body": template}) if asked.path.startswith("/v2/template/") else Said("", 404)

    with standing_in(answer) as server:
        found = check_gateway(settings(notify=notify(server.port)), "notify", clock)
    assert [one.good for one in found if "template" in one.says] == [good]


def test_a_gateway_that_is_not_there_is_said() -> None:
    found = check_gateway(settings(tw=twilio(9)), "tw", FakeClock())
    assert any(not one.good and "cannot be reached" in one.says for one in found)
    with pytest.raises(NotFound, match="no-such-gateway"):
        check_gateway(settings(tw=twilio(9)), "twlio", FakeClock())


def test_a_test_goes_to_a_number_of_ones_own_and_to_no_patients(
    sqlite_record: Record, clock: FakeClock
) -> None:
    """On the trail without the number, refused or sent."""
    install(sqlite_record, clock)
    add_patients(sqlite_record, 1)  # +447700900001
    provider = GovukNotify(clock)
    with standing_in(provider.answer) as server:
        own = settings(notify=notify(server.port))
        tried = try_gateway(sqlite_record, clock, own, "notify", to="07700 900555", by="mia")
        for known in ("07700900001", "+44 7700 900001"):
            with pytest.raises(NotAllowed, match="gateway-test-patient"):
                try_gateway(sqlite_record, clock, own, "notify", to=known, by="mia")
        for none in ("12", "07700 900000"):
            with pytest.raises(NotAllowed, match="gateway-test-number"):
                try_gateway(sqlite_record, clock, own, "notify", to=none, by="mia")
    assert tried.taken
    assert [taken["phone_number"] for taken in provider.taken] == ["+447700900555"]
    with sqlite_record.read() as connection:
        rows = connection.execute(sa.select(audit_act)).all()
    acts = [row for row in rows if row.operation_type == "gateway.tested"]
    assert [row.outcome for row in acts] == ["done", "refused", "refused"]
    assert not any("7700900" in str(row) for row in acts)
