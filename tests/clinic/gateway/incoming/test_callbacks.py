"""Callbacks of named gateways: whose proof is right, what they say, twice, forged, and several at once."""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from clinic.errors import SettingsWrong
from clinic.gateway.incoming.callbacks import callbacks_of
from clinic.gateway.incoming.server import ReceiptServer
from clinic.gateway.received import Inbound, Receipt, Unread
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.servers.providers.cloud import ACCOUNT
from tests.servers.providers.notify import KEY, TEMPLATE

SECRET = "a secret that nobody guesses"
PUBLIC = "https://cohort.example.org"
SETTINGS: dict[str, Any] = {
    "gateways": {
        "notify": {
            "type": "govuk_notify", "api_key": KEY, "sms_template": TEMPLATE, "callback_secret": SECRET,
        },
        "nhs": {"type": "nhs_notify", "application_id": "app", "callback_secret": SECRET},
        "tw": {
            "type": "twilio", "account": ACCOUNT, "auth_token": SECRET, "sender": "+447700900999",
            "callback_url": PUBLIC,
        },
        "sns": {"type": "sns", "region": "eu-west-2", "access_key": "A", "secret_key": "S"},
        "texts": {
            "type": "json", "url": "https://t.example.org", "gateway_class": "B",
            "body": {"to": "{to}", "text": "{body}"}, "id_at": "id", "callback_secret": SECRET,
            "callback_proof": "X-Sign: {hmac_sha256}", "receipts_at": "events.list",
            "receipt_reference_at": "ref", "receipt_status_at": "state", "receipt_error_at": "err.code",
            "receipt_words": {"OK": "delivered", "KO": "undelivered"},
        },
    }
}  # fmt: skip


class Kept:
    """What was taken in."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []
        self.replies: list[Inbound] = []
        self.unread: list[Unread] = []

    def keep_receipts(self, receipts: list[Receipt]) -> None:
        self.receipts += receipts

    def keep_replies(self, replies: list[Inbound]) -> None:
        self.replies += replies

    def keep_unread(self, entries: list[Unread]) -> None:
        self.unread += entries

    def unsubscribe(self, reference: int) -> None:
        raise AssertionError(reference)


def post(
    path: str, body: bytes, headers: Mapping[str, str], proof: str = "X-Sign: {hmac_sha256}"
) -> tuple[int, Kept]:
    kept = Kept()
    texts = {**SETTINGS["gateways"]["texts"], "callback_proof": proof}
    settings = Settings.model_validate({"gateways": {**SETTINGS["gateways"], "texts": texts}})
    server = ReceiptServer(
        kept, FakeClock(), key=None, gateway="http-sms", callbacks=callbacks_of(settings)
    )

    async def run() -> int:
        async with TestClient(TestServer(server.app())) as client:
            async with client.post(path, data=body, headers=headers) as answer:
                return answer.status

    return asyncio.run(run()), kept


def sha256(body: bytes, key: str = SECRET) -> str:
    return hmac.digest(key.encode(), body, "sha256").hex()


def twilio(path: str, form: Mapping[str, str], key: str = SECRET) -> dict[str, str]:
    said = PUBLIC + path + "".join(k + v for k, v in sorted(form.items()))
    signature = base64.b64encode(hmac.digest(key.encode(), said.encode(), "sha1")).decode()
    return {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}


GOVUK = orjson.dumps(
    {"id": "740e5834", "reference": "7", "to": "07700900123", "status": "permanent-failure",
     "completed_at": "2026-03-02T10:00:00.000000Z", "notification_type": "sms"}
)  # fmt: skip
NHS = orjson.dumps(
    {"data": [
        {"type": "MessageStatus", "attributes": {"messageReference": "7", "messageStatus": "delivered"},
         "meta": {"idempotencyKey": "k-1"}},
        {"type": "MessageStatus", "attributes": {"messageReference": "8", "messageStatus": "failed",
         "messageFailureReasonCode": "MFR_PDSV_0005"}, "meta": {"idempotencyKey": "k-2"}},
        {"type": "ChannelStatus", "attributes": {"messageReference": "9", "channelStatus": "failed"},
         "meta": {"idempotencyKey": "k-3"}},
        {"type": "MessageStatus", "attributes": {"messageReference": "9", "messageStatus": "enriched"},
         "meta": {"idempotencyKey": "k-4"}},
    ]}
)  # fmt: skip
EVENTS = orjson.dumps({"events": {"list": [
    {"id": 1, "ref": "7", "state": "OK"}, {"id": 2, "ref": "8", "state": "KO", "err": {"code": "absent"}},
    {"id": 3, "ref": "8", "state": "HM"}, 17,
]}})  # fmt: skip
FAILED = {
    "MessageSid": "SM1",
    "MessageStatus": "undelivered",
    "ErrorCode": "30005",
    "To": "+447700900123",
}
STOP = {"MessageSid": "SM2", "From": "+447700900123", "Body": "STOP & thanks ŵ"}


def outcomes(kept: Kept) -> list[tuple[str, int | None, str, str | None]]:
    return [(r.gateway, r.reference, r.outcome, r.reason) for r in kept.receipts]


def test_govuk_notify_proves_itself_by_its_bearer_token() -> None:
    status, kept = post("/gateways/notify/receipts", GOVUK, {"Authorization": f"Bearer {SECRET}"})
    assert (status, outcomes(kept)) == (200, [("notify", 7, "undelivered", "unknown_subscriber")])


def test_a_text_that_govuk_notify_received_is_a_reply() -> None:
    body = orjson.dumps(
        {"id": "i", "source_number": "447700900123", "message": "STOP", "date_received": None}
    )
    _, kept = post("/gateways/notify/replies", body, {"Authorization": f"Bearer {SECRET}"})
    assert [(r.gateway, r.sender, r.text) for r in kept.replies] == [
        ("notify", "447700900123", "STOP")
    ]


def test_several_events_of_nhs_notify_in_one_body_are_several_receipts() -> None:
    """One channel that failed is no failure of the message: its plan may try another one."""
    proof = {"x-api-key": SECRET, "x-hmac-sha256-signature": sha256(NHS, f"app.{SECRET}")}
    status, kept = post("/gateways/nhs/receipts", NHS, proof)
    assert (status, outcomes(kept)) == (202, [
        ("nhs", 7, "delivered", None), ("nhs", 8, "undelivered", "MFR_PDSV_0005"),
        ("nhs", 9, "accepted", None), ("nhs", 9, "accepted", None),
    ])  # fmt: skip
    assert len({r.event_id for r in kept.receipts}) == 4


def test_twilio_signs_the_address_that_has_our_reference() -> None:
    path = "/gateways/tw/receipts/7"
    status, kept = post(path, urlencode(FAILED).encode(), twilio(path, FAILED))
    assert (status, outcomes(kept)) == (200, [("tw", 7, "undelivered", "unknown_subscriber")])
    # The same, sent to the address of another message
    status, kept = post("/gateways/tw/receipts/8", urlencode(FAILED).encode(), twilio(path, FAILED))
    assert (status, outcomes(kept)) == (403, [])
    path = "/gateways/tw/replies"
    _, kept = post(path, urlencode(STOP).encode(), twilio(path, STOP))
    assert [(r.sender, r.text) for r in kept.replies] == [("+447700900123", "STOP & thanks ŵ")]


def test_a_provider_that_is_described_by_settings_is_read_by_them() -> None:
    """Its own words; what is not understood is kept for a person, beside the good ones."""
    status, kept = post("/gateways/texts/receipts", EVENTS, {"X-Sign": sha256(EVENTS).upper()})
    assert (status, outcomes(kept)) == (200, [
        ("texts", 7, "delivered", None), ("texts", 8, "undelivered", "absent"),
    ])  # fmt: skip
    assert len(kept.unread) == 2


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("notify", GOVUK, {}, 401),
        ("notify", GOVUK, {"Authorization": "Bearer another secret entirely"}, 401),
        ("notify", GOVUK, {"Authorization": f"Basic {SECRET}"}, 401),
        ("notify", GOVUK, {"Authorization": "Bearer "}, 401),
        ("nhs", NHS, {}, 401),
        ("nhs", NHS, {"x-api-key": SECRET}, 403),
        ("nhs", NHS, {"x-hmac-sha256-signature": sha256(NHS, f"app.{SECRET}")}, 401),
        ("nhs", NHS, {"x-api-key": SECRET, "x-hmac-sha256-signature": sha256(NHS)}, 403),
        ("nhs", NHS + b" ", {"x-api-key": SECRET, "x-hmac-sha256-signature": sha256(NHS, f"app.{SECRET}")},
         403),
        ("tw", b"a=1", {}, 403),
        ("tw", urlencode(FAILED).encode(), twilio("/gateways/tw/receipts", FAILED, "another key of one"), 403),
        ("texts", EVENTS, {"X-Sign": ""}, 401),
        ("texts", EVENTS, {"X-Sign": sha256(EVENTS + b" ")}, 401),
        # One gateway's proof is no other's, and who has no callbacks takes none
        ("nhs", GOVUK, {"Authorization": f"Bearer {SECRET}"}, 401),
        ("sns", GOVUK, {"Authorization": f"Bearer {SECRET}"}, 404),
        ("nobody", GOVUK, {"Authorization": f"Bearer {SECRET}"}, 404),
    ],
)  # fmt: skip
def test_what_is_forged_changes_nothing(
    path: str, body: bytes, headers: Mapping[str, str], status: int
) -> None:
    got, kept = post(f"/gateways/{path}/receipts", body, headers)
    assert got == status
    assert [*kept.receipts, *kept.replies, *kept.unread] == []


@pytest.mark.parametrize(
    ("proof", "given", "status"),
    [
        ("X-Sign: SHA256={hmac_sha256}", f"sha256={sha256(EVENTS)}", 200),
        ("X-Sign: sha256={hmac_sha256}", f"SHA256={sha256(EVENTS).upper()}", 200),
        ("X-Sign: sha256={hmac_sha256}", sha256(EVENTS), 401),
        ("X-Sign: Key {secret}", f"Key {SECRET}", 200),
        ("X-Sign: Key {secret}", f"Key {SECRET.upper()}", 401),
        ("X-Sign: Key {secret}", "Key {secret}", 401),
    ],
)
def test_a_signature_is_the_same_in_either_case_and_a_secret_is_not(
    proof: str, given: str, status: int
) -> None:
    assert post("/gateways/texts/receipts", EVENTS, {"X-Sign": given}, proof)[0] == status


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 3}', b'{"data": [{}]}', b"\xff\x00"])
def test_what_is_proven_and_not_understood_is_kept_and_not_asked_for_again(body: bytes) -> None:
    """A 4xx would end the provider's tries, and a 5xx bring the same again."""
    proof = {"x-api-key": SECRET, "x-hmac-sha256-signature": sha256(body, f"app.{SECRET}")}
    status, kept = post("/gateways/nhs/receipts", body, proof)
    assert (status, len(kept.unread), kept.receipts) == (202, 1, [])


def test_the_same_event_again_has_the_same_id() -> None:
    ids = set()
    for _ in range(2):
        _, kept = post("/gateways/notify/receipts", GOVUK, {"Authorization": f"Bearer {SECRET}"})
        ids.add(kept.receipts[0].event_id)
    assert len(ids) == 1


def test_a_secret_that_could_be_guessed_is_refused() -> None:
    values = {
        "gateways": {"notify": {**SETTINGS["gateways"]["notify"], "callback_secret": "short"}}
    }
    with pytest.raises(SettingsWrong, match="receipts-secret"):
        callbacks_of(Settings.model_validate(values))
