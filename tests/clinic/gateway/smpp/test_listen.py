"""ACX-34, COM-15, item 18.1: what an SMSC sends when nobody of ours does is taken all the same."""

from __future__ import annotations

from clinic.gateway.smpp.listen import listeners_of, listening
from clinic.settings import Settings
from tests.clinic.gateway.smpp.helpers import Kept, gateway_at, section, send, texts, wait_until
from tests.servers.smsc import running_smsc


def test_receipts_and_replies_come_to_who_listens_though_the_sender_is_gone() -> None:
    kept, told = Kept(), list[str]()
    with running_smsc(receipt_ms=300) as smsc:
        with gateway_at(smsc.port) as gateway:
            send(gateway, texts(5))
        with listening({"smsc": section(smsc.port)}, kept, told.append):
            wait_until(lambda: len(kept.receipts) == 5)
            smsc.tell("deliver", {"source_addr": "447700900001", "short_message": "STOP"})
            wait_until(lambda: len(kept.replies) == 1)
            assert {receipt.gateway for receipt in kept.receipts} == {"smsc"}
            smsc.tell("unbind")
            wait_until(lambda: smsc.counts["binds"] == 3)  # bound again by itself
        wait_until(lambda: smsc.counts["bound"] == 0)
    assert told[0] == "smsc: bound, receipts and replies are taken"


def test_a_refused_bind_is_said_and_ends_nothing() -> None:
    kept, told = Kept(), list[str]()
    with running_smsc() as smsc:
        wrong = section(smsc.port, password="wrong")
        with listening({"wrong": wrong, "right": section(smsc.port)}, kept, told.append):
            wait_until(lambda: len(told) == 2)
    assert any(
        line.startswith("wrong: the SMSC refuses to bind us: ESME_RINVPASWD") for line in told
    )


def test_every_gateway_of_this_type_is_listened_to() -> None:
    one = {
        "type": "smpp",
        "host": "localhost",
        "system_id": "a",
        "password": "b",
        "sender": "60006",
    }
    other = {
        "type": "json",
        "url": "https://texts.example.org",
        "gateway_class": "B",
        "body": {"to": "{to}", "text": "{body}"},
        "id_at": "id",
    }
    settings = Settings.model_validate({"gateways": {"smsc": one, "texts": other}})
    assert list(listeners_of(settings)) == ["smsc"]
