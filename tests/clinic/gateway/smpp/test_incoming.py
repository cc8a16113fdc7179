"""COM-9, COM-15, item 18.1: what an SMSC sends by itself: receipts in their forms, and texts of people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinic.gateway.received import Inbound, Receipt, Unread
from clinic.gateway.smpp.incoming import number_of, read_incoming
from clinic.gateway.smpp.pdu import Address, Delivered

TEXT = "id:{id} sub:001 dlvrd:001 submit date:2603021000 done date:2603021005 stat:{stat} err:{err} text:x"
NUMBER = Address("447700900123", 1, 1)


def receipt_text(stat: str, *, id: str = "0000001A", err: str = "000") -> bytes:  # noqa: A002
    return TEXT.format(id=id, stat=stat, err=err).encode()


def came(octets: bytes = b"", *, esm: int = 4, **extra: bytes) -> Delivered:
    tags = {"message_id": 0x1E, "state": 0x427, "network": 0x423, "reference": 0x204}
    return Delivered(NUMBER, esm, 0, octets, {tags[name]: value for name, value in extra.items()})


def failed(network: bytes) -> Delivered:
    return came(message_id=b"1a\0", state=b"\x05", network=network)


def read(one: Delivered, **more: Any) -> Receipt | Inbound | Unread:
    return read_incoming(one, gateway="texts", **more)


@pytest.mark.parametrize(
    ("one", "outcome", "reason", "ref"),
    [
        (came(receipt_text("DELIVRD")), "delivered", None, "1a"),
        (came(receipt_text("delivrd", id="26")), "delivered", None, "26"),
        (came(receipt_text("UNDELIV", err="21b")), "undelivered", "smpp_err_21b", "1a"),
        (came(receipt_text("UNDELIV")), "undelivered", None, "1a"),
        (came(receipt_text("EXPIRED")), "undelivered", "expired", "1a"),
        (came(receipt_text("REJECTD")), "undelivered", "rejected_by_operator", "1a"),
        (came(receipt_text("DELETED")), "undelivered", None, "1a"),
        (came(receipt_text("ENROUTE")), "accepted", None, "1a"),
        (came(receipt_text("ACCEPTD")), "accepted", None, "1a"),
        (came(receipt_text("UNKNOWN")), "accepted", None, "1a"),  # delayed is not failed
        (came(receipt_text("ENROUTE"), esm=0x20), "accepted", None, "1a"),
        # Parameters alone, and where both speak the parameters count
        (came(message_id=b"0000001A\0", state=b"\x02"), "delivered", None, "1a"),
        (came(esm=0, message_id=b"1a\0", state=b"\x02"), "delivered", None, "1a"),
        (came(receipt_text("ENROUTE", id="26"), message_id=b"1a\0", state=b"\x02"), "delivered", None, "1a"),
        (came(receipt_text("DELIVRD"), state=b"\x63"), "delivered", None, "1a"),  # no state of SMPP's
        (failed(b"\x03\x00\x01"), "undelivered", "unknown_subscriber", "1a"),
        (failed(b"\x03\x00\x1b"), "undelivered", "absent_subscriber", "1a"),
        (failed(b"\x01\x00\x1b"), "undelivered", "smpp_1_27", "1a"),
    ],
)  # fmt: skip
def test_a_receipt_says_what_became_of_the_message(
    one: Delivered, outcome: str, reason: str | None, ref: str
) -> None:
    found = read(one)
    assert isinstance(found, Receipt)
    assert (found.outcome, found.reason, found.gateway_ref) == (outcome, reason, ref)
    assert (found.reference, found.recipient) == (None, "+447700900123")


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (came(receipt_text("PARTYING")), "unknown state partying"),
        (came(b"a receipt, says the class"), "no state"),
        (came(b"stat:DELIVRD"), "a receipt without a message id"),
        (came(b"\xff\xfe"), "no state"),
    ],
)
def test_a_receipt_that_is_not_understood_is_kept_for_a_person(one: Delivered, why: str) -> None:
    found = read(one)
    assert isinstance(found, Unread)
    assert found.why == why


def test_the_same_receipt_again_is_the_same_event_and_another_is_not() -> None:
    first, again, other = (
        read(came(receipt_text(stat))) for stat in ("DELIVRD", "DELIVRD", "ENROUTE")
    )
    assert isinstance(first, Receipt)
    assert isinstance(again, Receipt)
    assert isinstance(other, Receipt)
    assert first.event_id == again.event_id != other.event_id


def test_its_time_counts_where_the_zone_is_known() -> None:
    one = came(receipt_text("DELIVRD"))
    known = read(one, zone=ZoneInfo("Europe/Berlin"))
    assert isinstance(known, Receipt)
    assert known.happened_at == datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
    unknown = read(one)
    assert isinstance(unknown, Receipt)
    assert unknown.happened_at is None


def test_the_bits_of_our_number_come_back() -> None:
    found = read(came(receipt_text("DELIVRD"), reference=b"\x01\x02"))
    assert isinstance(found, Receipt)
    assert found.mark == 258


@pytest.mark.parametrize("text", ["STOP", receipt_text("DELIVRD").decode()])
def test_what_a_person_wrote_is_a_reply_whatever_it_looks_like(text: str) -> None:
    """A text in the form of a receipt moves no message."""
    found = read(came(text.encode(), esm=0))
    assert isinstance(found, Inbound)
    assert (found.sender, found.text, found.channel) == ("+447700900123", text, "sms")


def test_two_stops_are_two_and_a_part_says_which() -> None:
    first, second = read(came(b"STOP", esm=0)), read(came(b"STOP", esm=0))
    assert isinstance(first, Inbound)
    assert isinstance(second, Inbound)
    assert first.event_id != second.event_id
    part = read(came(b"\x05\x00\x03\x09\x02\x01I cannot come", esm=0x40))
    assert isinstance(part, Inbound)
    assert part.text == "I cannot come [part 1 of 2]"


@pytest.mark.parametrize(
    ("given", "number"),
    [("447700900123", "+447700900123"), ("+447700900123", "+447700900123"),
     ("00447700900123", "+447700900123"), ("07700900123", "07700900123"), ("Practice", "Practice"),
     ("60006", "60006")],
)  # fmt: skip
def test_numbers_are_written_as_messages_have_them(given: str, number: str) -> None:
    assert number_of(given) == number
