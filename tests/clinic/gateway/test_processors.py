"""NEW-40: per gateway who processes what and where, and no country without the risk owner's yes."""

from __future__ import annotations

from typing import Any

import pytest

from clinic.errors import SettingsWrong
from clinic.gateway.choose import gateway_for
from clinic.gateway.processors import processors_of, says_way
from clinic.record.database import Record
from clinic.settings import Settings
from clinic.settings.gateways import HTTP_SMS, SMTP
from tests.servers.providers.cloud import ACCOUNT

WHO = {"company": "Texts Ltd", "contract": "C-7", "keeps": "texts, 7 days"}


def settings(**processor: str) -> Settings:
    sms: dict[str, Any] = {"url": "https://sms.example.org", "token": "t", "gateway_class": "B"}
    return Settings.model_validate({"sms": sms | {"processor": processor}})


@pytest.mark.parametrize(
    ("country", "risk_owner", "allowed"),
    [
        ("GB", "", True), ("IE", "", True), ("NO", "", True), ("NZ", "", True), ("", "", True),
        ("US", "", False), ("IN", "", False), ("US", "Dr Owen, 2 March 2026", True),
    ],
)  # fmt: skip
def test_nothing_is_sent_to_a_country_that_nobody_answers_for(
    sqlite_record: Record, country: str, risk_owner: str, allowed: bool
) -> None:
    own = settings(**WHO, country=country, risk_owner=risk_owner)
    if allowed:
        gateway_for(own, sqlite_record, "sms").close()
        return
    for dry_run in (False, True):
        with pytest.raises(SettingsWrong, match="processor-country") as refused:
            gateway_for(own, sqlite_record, "sms", dry_run=dry_run)
        assert "sms.processor.risk_owner" in refused.value.says
    gateway_for(own, sqlite_record, "sms", outbox=True).close()


def test_who_processes_is_said_at_the_review_and_what_is_missing_too() -> None:
    own = settings(**WHO, country="US", risk_owner="Dr Owen")
    assert says_way(own, HTTP_SMS) == [
        "Processed by Texts Ltd (US); contract C-7; keeps texts, 7 days; risk accepted by Dr Owen."
    ]
    assert says_way(own, SMTP) == []
    (missing,) = says_way(settings(company="Texts Ltd"), HTTP_SMS)
    assert "sms.processor.country, sms.processor.contract, sms.processor.keeps" in missing
    assert [one.channels for one in processors_of(own)] == [("sms",)]


@pytest.mark.parametrize(
    ("host", "tls", "said"),
    [
        ("mail.example.org", "none", True), ("mail.example.org", "starttls", False),
        ("localhost", "none", False), ("127.0.0.1", "none", False),
    ],
)  # fmt: skip
def test_mail_that_is_not_encrypted_is_said_at_the_review(host: str, tls: str, said: bool) -> None:
    own = Settings.model_validate({"email": {"host": host, "tls": tls}})
    assert any("is not encrypted" in line for line in says_way(own, SMTP)) == said


def test_a_campaign_is_processed_by_its_own_gateway_whatever_its_channel_has_now() -> None:
    own = settings(**WHO, country="GB")
    assert "Texts Ltd" in says_way(own, HTTP_SMS)[0]
    other = {
        "type": "twilio", "account": ACCOUNT, "auth_token": "x", "sender": "+447700900999",
        "processor": {"company": "Other Ltd", "country": "GB", "contract": "D-1", "keeps": "nothing"},
    }  # fmt: skip
    values = own.model_dump(mode="json", include={"sms"})
    moved = Settings.model_validate(
        {**values, "gateways": {"tw": other}, "channels": {"sms": {"gateways": ["tw"]}}}
    )
    assert moved.gateway_name("sms") == "tw"
    assert "Texts Ltd" in says_way(moved, HTTP_SMS)[0]
    assert "Other Ltd" in says_way(moved, "tw")[0]
