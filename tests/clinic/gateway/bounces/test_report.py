"""What comes back by e-mail: only what names one message of ours, by its token, moves one (issue 18)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.gateway.bounces.report import read_mail
from clinic.gateway.incoming.parse import Incoming
from clinic.gateway.smtp.stamp import Stamp
from clinic.gateway.smtp.statuses import TABLE, code_in, reason_of, status_of, statuses_table
from clinic.message.network_reasons import PERMANENT, REASONS
from tests.clinic.gateway.bounces.mails import STAMP, STAMPS, arf, block, dsn, multipart, plain

TOKEN = STAMP.token(7)
TO = STAMP.sender(7)
FAILED = block("failed", "5.1.1")
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


def read(raw: bytes, *recipients: str) -> Incoming:
    return read_mail(raw, STAMPS, gateway="mail", recipients=recipients)


def said(found: Incoming) -> list[tuple[int | None, str, str | None]]:
    assert not found.unread
    return [(one.reference, one.outcome, one.reason) for one in found.receipts]


@pytest.mark.parametrize(
    ("blocks", "outcome", "reason"),
    [
        ([FAILED], "undelivered", "mailbox_unknown"),
        ([block("Failed", "5.1.1 (bad mailbox)")], "undelivered", "mailbox_unknown"),
        ([block("failed", "5.2.2")], "undelivered", "mailbox_full"),
        ([block("failed", "4.2.2")], "undelivered", "mailbox_full"),
        ([block("failed", "5.7.1", "550 5.7.1 spam")], "undelivered", "mail_refused"),
        ([block("failed", "5.1.10")], "undelivered", "domain_unknown"),
        ([block("failed", "4.4.1")], "undelivered", "expired"),
        ([block("failed", "5.0.0", "550 5.1.1 <sian@example.org> unknown")], "undelivered", "mailbox_unknown"),
        ([block("failed", "5.3.0", "550 no")], "undelivered", "delivery_failure"),
        ([block("failed", "5.1.1", "550 5.7.1 no")], "undelivered", "mailbox_unknown"),
        ([block("failed", "5.9.9")], "undelivered", "smtp_5_9_9"),
        ([block("failed", "")], "undelivered", None),
        ([block("delayed", "4.4.1")], "accepted", None),
        ([block("delayed", "5.1.1")], "accepted", None),
        ([block("relayed", "2.0.0")], "accepted", None),
        ([block("expanded", "2.0.0")], "accepted", None),
        ([block("delivered", "2.0.0")], "delivered", None),
        # One envelope has one recipient: these are those to whom the mailbox passed it on
        ([FAILED, block("delivered", "2.0.0")], "delivered", None),
        ([FAILED, block("delayed", "4.4.1")], "accepted", None),
        ([FAILED, block("failed", "5.2.2")], "undelivered", "mailbox_unknown"),
    ],
)  # fmt: skip
def test_a_report_says_of_its_message_what_was_done(
    blocks: list[str], outcome: str, reason: str | None
) -> None:
    """RFC 3464 §2.3.3: delayed is not failed, and passed on to where nobody reports is not delivered."""
    found = read(dsn(*blocks, to=TO))
    assert said(found) == [(7, outcome, reason)]
    assert found.receipts[0].gateway == "mail"
    assert found.receipts[0].happened_at == AT
    assert "sian" not in repr(found)


@pytest.mark.parametrize(
    ("raw", "recipients"),
    [
        (dsn(FAILED, to=TO), ()),
        (dsn(FAILED, to=f"<{TO.upper()}>"), ()),
        (dsn(FAILED, to=f'"bounces" <{TO}>, other@practice.example'), ()),
        (dsn(FAILED, envelope_id=TOKEN), ()),
        (dsn(FAILED, envelope_id=TOKEN.upper()), ()),
        (dsn(FAILED), (TO,)),
        (dsn(FAILED, to=TO, envelope_id=TOKEN), (TO, TO)),
        (dsn(FAILED, sent=f"Message-ID: <{TOKEN}.k@practice.example>\n"), ()),
        (dsn(FAILED, sent=f"Return-Path: <{TO}>\n"), ()),
        (f"Delivered-To: {TO}\n".encode() + dsn(FAILED), ()),
        (f"X-Original-To: {TO}\r\n".encode() + dsn(FAILED).replace(b"\n", b"\r\n"), ()),
        (dsn(FAILED, to=TO).replace(b"multipart/report", b"multipart/mixed"), ()),
    ],
    ids=["address", "upper case", "one of several", "envelope id", "its case", "receiver's envelope",
         "all agree", "our Message-ID", "our Return-Path", "mailbox's note", "CR LF", "called mixed"],
)  # fmt: skip
def test_a_report_is_found_by_the_token_in_its_address_or_its_envelope_id(
    raw: bytes, recipients: tuple[str, ...]
) -> None:
    assert said(read(raw, *recipients)) == [(7, "undelivered", "mailbox_unknown")]


STRANGER = Stamp(b"x" * 16, "mail", "bounces@practice.example")
OTHER_GATEWAY = Stamp(b"k" * 16, "other", "bounces@practice.example")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (dsn(FAILED), "names no message of ours"),
        (dsn(FAILED, prose=f"Message to {TO} {TOKEN} failed"), "names no message of ours"),
        (dsn(FAILED, sent=f"Message-ID: <7.{TOKEN}@x.example>\nX-Failed: {TO}\nFrom: {TO}\n"),
         "names no message of ours"),
        (dsn(FAILED, to=TO, sent=f"Message-ID: <{STAMP.token(8)}.k@x.example>\n"), "names two messages"),
        (dsn(FAILED, envelope_id="7.k"), "names no message of ours"),
        (dsn(FAILED, envelope_id="7"), "names no message of ours"),
        (dsn(FAILED, to=STRANGER.sender(7)), "names no message of ours"),
        (dsn(FAILED, to=OTHER_GATEWAY.sender(7)), "names no message of ours"),
        (dsn(FAILED, to=TO.replace("practice.example", "practice.test")), "names no message of ours"),
        (dsn(FAILED, to=TO, envelope_id=STAMP.token(8)), "names two messages"),
        (dsn(FAILED, to=f"{TO}, {STAMP.sender(8)}"), "names two messages"),
        (dsn(to=TO), "without a recipient"),
        (dsn(block("bounced", "5.1.1"), to=TO), "the action 'bounced'"),
        (dsn("Status: 5.1.1\n", to=TO), "the action ''"),
        (plain("Undelivered Mail Returned to Sender"), "no report"),
        (plain("Undeliverable: 5.1.1", "Content-Type: multipart/mixed; boundary=x"), "no report"),
        (arf("abuse"), "names no message of ours"),
    ],
)  # fmt: skip
def test_what_names_no_message_or_two_is_kept_for_a_person(raw: bytes, why: str) -> None:
    """Never guessed: neither from prose, nor from an id that anybody can write, nor from what was sent back."""
    found = read(raw)
    (kept,) = found.unread
    assert why in kept.why
    assert [*found.receipts, *found.complaints, *found.replies] == []
    assert "\x00" not in kept.body


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff\n\n\x00", plain("Lunch?", to="ann@practice.example")]
)
def test_an_e_mail_that_has_nothing_to_do_with_us_stays_where_it_is(raw: bytes) -> None:
    """A mailbox has spam, and may have an owner; only where it is to be emptied is all kept."""
    assert read(raw) == Incoming()
    (kept,) = read_mail(raw, STAMPS, gateway="mail", keep_all=True).unread
    assert "no report" in kept.why
    assert "\x00" not in kept.body


@pytest.mark.parametrize(
    "raw",
    [
        plain("Out of office", "Auto-Submitted: auto-replied"),
        plain("Automatic reply", "Auto-Submitted: auto-generated (vacation)"),
        plain("Away", "Precedence: auto_reply"),
        plain("Away", "X-Autoreply: yes"),
        multipart("disposition-notification", TO, ("text/plain", "read"),
                  ("message/disposition-notification", "Disposition: manual-action; displayed\n")),
        arf("not-spam", mail_from=TO),
    ],
)  # fmt: skip
def test_an_automatic_answer_is_no_bounce(raw: bytes) -> None:
    """RFC 3834: out of office comes to the envelope's sender, as bounces do, and says nothing of delivery."""
    assert read(raw) == Incoming()


@pytest.mark.parametrize(
    "raw",
    [
        arf("abuse", mail_from=TO),
        arf("Fraud", mail_from=TO),
        arf("abuse", returned=f"Return-Path: <{TO}>\n"),
        arf("abuse", returned=f"Message-ID: <{TOKEN}.k@practice.example>\n"),
    ],
)
def test_a_complaint_is_found_by_its_token_and_is_no_receipt(raw: bytes) -> None:
    found = read(raw)
    assert [(one.reference, one.gateway) for one in found.complaints] == [(7, "mail")]
    assert [*found.receipts, *found.unread, *found.replies] == []


def test_the_same_said_again_is_the_same_event_and_something_else_another() -> None:
    """Twice, and by both ways; delayed first and failed later, in whichever order they come."""
    ids = [read(raw).receipts[0].event_id for raw in (
        dsn(FAILED, to=TO), dsn(FAILED, envelope_id=TOKEN, prose="again"),
        dsn(block("delayed", "4.4.1"), to=TO), dsn(FAILED, to=STAMP.sender(8)),
    )]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@given(st.integers(0, 2**63 - 1), st.sampled_from(["mail", "m" * 40]), st.binary(min_size=16))
def test_a_token_is_read_back_fits_an_envelope_and_is_nobody_elses(
    reference: int, gateway: str, key: bytes
) -> None:
    stamp = Stamp(key, gateway, "A.Long.Address.Of.34.Characters.Xx@practice.example")
    address = stamp.sender(reference)
    assert stamp.read_address(address.upper()) == reference
    assert stamp.read(stamp.token(reference)) == reference
    assert len(address.partition("@")[0]) == 64
    assert (
        Stamp(key + b"x", gateway, "bounces@practice.example").read(stamp.token(reference)) is None
    )


@given(st.text(max_size=40))
def test_no_word_that_we_did_not_make_is_a_token(word: str) -> None:
    assert STAMP.read(word) is None
    assert STAMP.read_address(f"bounces+{word}@practice.example") is None


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_kept(raw: bytes) -> None:
    for given_raw in (raw, dsn(FAILED, to=TO)[:-1] + raw, raw + dsn(FAILED, to=TO)):
        found = read(given_raw)
        assert len(found.receipts) + len(found.complaints) + len(found.unread) <= 1


@pytest.mark.parametrize(
    "raw",
    [
        "".join(f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(3_000)).encode(),
        b"To: " + b"(" * 50_000 + b"\n\nx",
    ],
    ids=["parts in parts", "brackets in brackets"],
)  # fmt: skip
def test_an_e_mail_that_is_made_to_break_us_is_kept_and_keeps_back_no_other(raw: bytes) -> None:
    """Read again every five minutes, one such would have kept all that came after it from us."""
    (kept,) = read_mail(raw, STAMPS, gateway="mail", keep_all=True).unread
    # Some Pythons read the second
    assert kept.why in ("an e-mail that cannot be read", "an e-mail that is no report")


def test_the_page_shows_the_table_of_status_codes() -> None:
    page = (Path(__file__).parents[4] / "docs" / "gateways.md").read_text(encoding="utf-8")
    assert statuses_table() in page


def test_each_status_is_the_first_for_some_code_and_its_reason_is_one_that_people_are_told_of() -> (
    None
):
    for row in TABLE:
        assert (
            status_of(row.code.replace("*", "99" if row.code != "*.2.2" else "4")) is row
            or "*" in row.code
        ), row
        assert row.reason in REASONS, row
    for dead in ("5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.4"):
        assert reason_of(dead) in PERMANENT
    for alive in ("5.2.2", "4.4.7", "5.7.1", "5.0.0", "5.1.0", "4.1.1", "5.9.9"):
        assert reason_of(alive) not in PERMANENT


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5.1.1", "5.1.1"), ("550 5.01.1 unknown", "5.1.1"), ("550-5.1.1 unknown", "5.1.1"), ("10.5.1.1", ""),
        ("5.1.1.9", ""), ("550 no", ""), ("", ""), ("3.1.1", ""), ("#5.1.10 (x)", "5.1.10"),
    ],
)  # fmt: skip
def test_a_code_is_found_where_it_stands_alone(text: str, code: str) -> None:
    assert code_in(text) == code


def test_a_large_e_mail_made_to_be_slow_is_read_in_seconds() -> None:
    """As the receiver takes it: five megabytes of one header kept it busy for three minutes."""
    began = time.process_time()
    slow = b"Content-Type: multipart/report; " + b"a=b;" * 1_200_000 + b"\n\n"
    assert [one.why for one in read(slow, TO).unread] == ["an e-mail that is no report"]
    assert time.process_time() - began < 20
