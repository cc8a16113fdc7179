"""Which gateway a channel has."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import SecretStr

from clinic.errors import SettingsWrong
from clinic.gateway.choose import gateway_for
from clinic.gateway.incoming.signature import read_token
from clinic.gateway.outbox import read_outbox
from clinic.gateway.protocol import Outgoing, Taken
from clinic.gateway.smtp.email import Smtp
from clinic.record.database import Record
from clinic.settings import EmailGateway, Receipts, Settings, SmsGateway

PROVIDER = SmsGateway(gateway_class="I", url="https://sms.example.org")
RELAY = EmailGateway(host="relay.example.org", sender="practice@example.org")


@pytest.mark.parametrize(
    ("settings", "channel", "name"),
    [
        (Settings(outbox=True), "sms", "outbox"),
        (Settings(outbox=True), "email", "outbox"),
        (Settings(outbox=True), "voice", "outbox"),
        (Settings(sms=PROVIDER), "sms", "http-sms"),
        (Settings(sms=PROVIDER, outbox=True), "sms", "http-sms"),
        (Settings(sms=PROVIDER, outbox=True), "email", "outbox"),
        (Settings(email=RELAY), "email", "smtp"),
        (Settings(email=RELAY, outbox=True), "sms", "outbox"),
    ],
)
def test_a_channel_leaves_as_set_and_goes_to_the_outbox_only_where_that_is_set(
    sqlite_record: Record, settings: Settings, channel: str, name: str
) -> None:
    gateway = gateway_for(settings, sqlite_record, channel)
    assert (gateway.name, gateway.channel) == (name, channel)
    gateway.close()


@pytest.mark.parametrize(
    ("settings", "channel", "says"),
    [
        (Settings(outbox=False), "sms", "sms.url"),
        (Settings(outbox=False, email=RELAY), "sms", "sms.token"),
        (Settings(outbox=False, sms=PROVIDER), "email", "email.host"),
        (Settings(outbox=False, sms=PROVIDER), "voice", "channels.voice"),
    ],
)
def test_without_a_gateway_nothing_is_taken_for_sent(
    sqlite_record: Record, settings: Settings, channel: str, says: str
) -> None:
    """Refused with what to set; asked for, the outbox keeps them, and a dry run needs no gateway."""
    with pytest.raises(SettingsWrong, match="gateway-missing") as refused:
        gateway_for(settings, sqlite_record, channel)
    assert says in refused.value.says
    assert "--outbox" in refused.value.says
    assert gateway_for(settings, sqlite_record, channel, outbox=True).name == "outbox"
    assert gateway_for(settings, sqlite_record, channel, dry_run=True).name == "rehearsal"


@pytest.mark.parametrize(
    ("settings", "channel"),
    [
        (Settings(outbox=True), "sms"),
        (Settings(sms=PROVIDER), "sms"),
        (Settings(email=RELAY), "email"),
    ],
)
def test_a_rehearsal_cuts_batches_like_the_real_way_out_and_sends_nothing(
    sqlite_record: Record, settings: Settings, channel: str
) -> None:
    """NEW-13: the same code, nothing leaves."""
    real = gateway_for(settings, sqlite_record, channel)
    rehearsed = gateway_for(settings, sqlite_record, channel, dry_run=True)
    cuts = (rehearsed.batch_limit, rehearsed.per_request)
    assert cuts == (real.batch_limit, real.per_request)
    message = Outgoing(7, "+447700900123", "Hello")
    answer = rehearsed.send("k", [message], per_request=1, only=frozenset([7]))
    assert isinstance(answer.results[7], Taken)
    assert read_outbox(sqlite_record) == []
    real.close()
    rehearsed.close()


def test_choosing_the_outbox_loads_no_http_client() -> None:
    """`cohort --help` and the embedded default do not pay for aiohttp."""
    look = (
        "import sys, clinic.gateway.choose, clinic.gateway.outbox; from clinic.later import Later; "
        "print(isinstance(sys.modules.get('aiohttp'), Later | None))"
    )
    found = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    ).stdout
    assert found.strip() == "True"


def test_e_mails_carry_an_unsubscribe_link_where_somebody_hears_it(sqlite_record: Record) -> None:
    """NEW-5, RFC 8058: https, a token of the message, and nothing of the patient."""
    heard = Receipts(public_url="https://cohort.example.org/", secret=SecretStr("sixteen letters!"))
    urls = []
    for receipts in (heard, Receipts()):
        settings = Settings(email=RELAY, receipts=receipts)
        gateway = gateway_for(settings, sqlite_record, "email")
        assert isinstance(gateway, Smtp)
        urls.append(gateway.unsubscribe_url)
        gateway.close()
    made, none = urls
    assert none is None
    assert made is not None
    base, token = made(16777218).rsplit("/", 1)
    assert base == "https://cohort.example.org/unsubscribe"
    assert read_token(b"sixteen letters!", token) == 16777218


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://cohort.example.org", "sixteen letters!"),
        ("https://cohort.example.org", "short"),
        ("https://meddygfa-tŷ.example.org", "sixteen letters!"),
    ],
)
def test_an_unsubscribe_link_that_could_be_read_or_guessed_is_refused(
    sqlite_record: Record, url: str, secret: str
) -> None:
    receipts = Receipts(public_url=url, secret=SecretStr(secret))
    with pytest.raises(SettingsWrong, match="receipts-"):
        gateway_for(Settings(email=RELAY, receipts=receipts), sqlite_record, "email")
