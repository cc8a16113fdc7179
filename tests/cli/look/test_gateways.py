"""`cohort gateways`: what a provider says is shown as it says it, and what was not asked is not called good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.begin.settings_file import settings_file
from clinic.record.database import Record
from tests.cli.conftest import Type
from tests.servers.providers.cloud import ACCOUNT
from tests.servers.stand_in import Asked, Said, standing_in

GATEWAYS = """
[gateways.tw]
type = "twilio"
account = "{account}"
auth_token = "secret"
sender = "+447700900999"
url = "{url}"
processor = {{ company = "Texts Ltd", country = "GB", contract = "C-7", keeps = "nothing" }}

[gateways.texts]
type = "json"
url = "{url}/send"
gateway_class = "B"
id_at = "id"
body = {{ to = "{{to}}", text = "{{body}}" }}
reject_statuses = [422]
error_at = "code"
error_text_at = "message"
processor = {{ company = "Texts [B] Ltd", country = "GB", contract = "C-7", keeps = "nothing" }}

[gateways.smsc]
type = "smpp"
host = "127.0.0.1"
port = 9
system_id = "a"
password = "b"
sender = "60006"
timeout_seconds = 1
tls = false
"""
SAYS = "[/red] no [bold]such[/] login for +447700900123 [x"


def answer(asked: Asked) -> Said:
    if asked.method == "HEAD":
        return Said("", 200)
    return Said({"code": 20003, "message": SAYS}, 422 if asked.path == "/send" else 401)


@pytest.fixture
def set_up(config: Path) -> Iterator[None]:
    with standing_in(answer) as server:
        own = GATEWAYS.format(account=ACCOUNT, url=f"http://127.0.0.1:{server.port}")
        chosen = {
            "home": str(config.parent / "home"), "operator": "nia", "phones.test_range": True,
            "channels.sms.gateways": ["tw"],
        }  # fmt: skip
        config.write_text(settings_file(chosen) + own, encoding="utf-8")
        config.chmod(0o600)
        yield


def test_square_brackets_of_a_provider_are_shown_and_break_nothing(
    typed: Type, installed: Record, set_up: None
) -> None:
    shown = " ".join(typed("gateways", "check", "tw").err.split())
    assert "[/red] no [bold]such[/] login for …" in shown
    assert "447700900123" not in shown
    told = typed("gateways", "test", "texts", "--to", "07700900555")
    assert told.code == 4, told.err
    assert "[/red] no [bold]such[/] login for …" in " ".join(told.err.split())
    assert "processed by Texts [B] Ltd" in " ".join(typed("gateways", "check", "texts").err.split())


def test_what_was_not_asked_is_not_called_good(
    typed: Type, installed: Record, set_up: None
) -> None:
    """Neither the login of a provider that shows it by a message alone, nor an SMSC that is not there."""
    shown = " ".join(typed("gateways", "check", "texts").err.split())
    assert "not asked its login" in shown
    assert "cohort gateways test texts --to NUMBER" in shown
    smsc = typed("gateways", "check", "smsc", "--json")
    assert smsc.code == 2
    found = json.loads(smsc.out)
    assert [one["good"] for one in found if "it answers" in one["says"]] == [None]
    assert True not in [one["good"] for one in found]
