"""Our own receiver of reports: what it takes, what it refuses, and when it says so (issue 18)."""

from __future__ import annotations

import contextlib
import smtplib
import socket
from collections.abc import Iterator

import pytest

from clinic.errors import SettingsWrong
from clinic.gateway.bounces import receiver as module
from clinic.gateway.bounces.receiver import receiving
from tests.clinic.gateway.bounces.mails import STAMP, STAMPS, arf, block, dsn, plain
from tests.clinic.gateway.smpp.helpers import Kept
from tests.ports import free_port

TO = STAMP.sender(7)


@contextlib.contextmanager
def receiver(kept: Kept) -> Iterator[smtplib.SMTP]:
    port = free_port()
    with receiving(STAMPS, kept, host="127.0.0.1", port=port):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            yield client


def test_a_report_is_kept_before_it_is_confirmed() -> None:
    """Whoever brings it has it until it is on disk: 451, and it comes again."""
    kept = Kept()
    with receiver(kept) as client:
        kept.away = True
        with pytest.raises(smtplib.SMTPDataError) as later:
            client.sendmail("", [TO], dsn(block("failed", "5.1.1")))
        assert later.value.smtp_code == 451
        assert b"OSError" not in bytes(later.value.smtp_error)
        kept.away = False
        client.sendmail("", [TO], dsn(block("failed", "5.1.1")))
        client.sendmail("", [TO.upper()], arf("abuse"))
        client.sendmail("sian@example.org", [TO], plain("Away", "Auto-Submitted: auto-replied"))
        client.sendmail("sian@example.org", [TO], plain("Hello"))
    assert [(one.reference, one.reason) for one in kept.receipts] == [(7, "mailbox_unknown")]
    assert [one.reference for one in kept.complaints] == [7]
    assert [(one.gateway, one.why) for one in kept.unread] == [
        ("mail", "an e-mail that is no report")
    ]


def test_whoever_was_sent_one_message_cannot_fill_the_disk_by_its_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes of another message is taken all the same, and what was not kept does not count."""
    monkeypatch.setattr(module, "MOST", 3)
    kept = Kept()
    with receiver(kept) as client:
        kept.away = True
        for number in range(5):
            with pytest.raises(smtplib.SMTPDataError):
                client.sendmail("sian@example.org", [TO], plain(f"Hello {number}"))
        kept.away = False
        for number in range(3):
            client.sendmail("sian@example.org", [TO, TO], plain(f"Hello {number}"))
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("sian@example.org", [TO], plain("Hello again"))
        client.sendmail("", [STAMP.sender(8)], dsn(block("failed", "5.1.1")))
    assert [code for code, _ in refused.value.recipients.values()] == [550]
    assert (len(kept.unread), len(kept.receipts)) == (3, 1)


@pytest.mark.parametrize(
    "address",
    ["bounces@practice.example", "sian@example.org", TO.replace("practice", "elsewhere"), f"x{TO}",
     TO.replace(STAMP.token(7), STAMP.token(7)[::-1]), "postmaster@practice.example"],
)  # fmt: skip
def test_it_takes_nothing_for_an_address_that_we_did_not_make(address: str) -> None:
    """No relay for anybody, no mailbox for spam: told before a byte of the mail."""
    kept = Kept()
    with receiver(kept) as client, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        client.sendmail("x@example.org", [address], plain("Hello"))
    assert [code for code, _ in refused.value.recipients.values()] == [550]
    assert kept.unread == []


@pytest.mark.parametrize("taken", [True, False], ids=["port taken", "no tokens"])
def test_what_cannot_work_is_said_at_the_start(taken: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, contextlib.ExitStack() as stack:
        port = other.getsockname()[1] if taken else free_port()
        with pytest.raises(SettingsWrong, match="receipts-smtp"):
            stack.enter_context(
                receiving(STAMPS if taken else {}, Kept(), host="127.0.0.1", port=port)
            )


def test_without_a_port_nothing_is_received() -> None:
    with receiving({}, Kept(), host="127.0.0.1", port=0):
        pass
