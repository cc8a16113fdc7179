"""An e-mail's bytes, for every text: what was written arrives, and nothing else does."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from clinic.gateway.protocol import Outgoing, Turned
from clinic.gateway.smtp.envelope import xtext
from clinic.gateway.smtp.message import Letterhead, compose, envelope_address
from clinic.gateway.smtp.reply import queue_id

LETTERHEAD = Letterhead("practice@example.org", "Y Feddygfa")
FIXED = LETTERHEAD.fixed_headers(datetime(2026, 3, 2, 10, tzinfo=UTC))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


def composed(body: str, subject: str) -> bytes:
    return compose(
        Outgoing(7, "a@example.org", body, subject),
        letterhead=LETTERHEAD,
        fixed=FIXED,
        address="a@example.org",
        message_id="7.k",
    )


@settings(max_examples=300, derandomize=True, deadline=None)
@given(body=texts)
def test_any_body_arrives_as_it_was_written(body: str) -> None:
    raw = composed(body, "Hello")
    assert not re.search(rb"[^\r]\n|\r[^\n]", raw)
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    parsed = email.message_from_bytes(raw)
    payload = parsed.get_payload(decode=True)
    assert isinstance(payload, bytes)
    lines = re.sub(r"\r\n|\r|\n", "\r\n", body.rstrip("\r\n") + "\n")
    assert payload.decode() == lines


@settings(max_examples=300, derandomize=True, deadline=None)
@given(subject=st.text(max_size=150), to=st.text(max_size=60) | st.emails())
def test_no_subject_and_no_address_adds_a_header(subject: str, to: str) -> None:
    """§6 test 48, for all values: refused, or one header each."""
    address = envelope_address(Outgoing(7, to, "Hello", subject))
    if isinstance(address, Turned):
        assert address.code in ("email_invalid", "subject_unsafe")
        return
    raw = compose(
        Outgoing(7, to, "Hello", subject),
        letterhead=LETTERHEAD, fixed=FIXED, address=address, message_id="7.k",
    )  # fmt: skip
    assert email.message_from_bytes(raw).keys() == [
        "From", "Date", "MIME-Version", "Content-Type", "Auto-Submitted",
        "To", "Subject", "Message-ID", "Content-Transfer-Encoding",
    ]  # fmt: skip


def test_readable_text_stays_readable_and_other_scripts_stay_short() -> None:
    """Quoted-printable where it is shorter, base64 for the scripts it would triple."""
    assert b"\r\n\r\nAnnwyl Si=C3=A2n,\r\n" in composed("Annwyl Siân,", "Hello")
    assert b"Content-Transfer-Encoding: base64\r\n" in composed("مرحبا " * 40, "Hello")


def test_an_envelope_id_is_written_as_xtext() -> None:
    """RFC 3461 §4."""
    assert xtext("7.a+b=c é") == "7.a+2Bb+3Dc+20+E9"


def test_a_relays_name_for_a_message_is_found() -> None:
    table = [
        ("2.0.0 Ok: queued as 4FABC12", "4FABC12"),
        ("Ok: queued as 4FABC12 (id 9)", "4FABC12"),
        ("2.0.0 Message accepted", ""),
        ("queued as ", ""),
        ("queued as <\x00>", ""),
    ]
    assert [queue_id(said) for said, _ in table] == [kept for _, kept in table]
