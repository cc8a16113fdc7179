"""A campaign by a real Postfix, whose reports come back: by a real Dovecot, and by our receiver (issue 18)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.gateway.bounces.readers import readers_of
from clinic.gateway.bounces.receiver import receiving
from clinic.gateway.choose import gateway_by_name
from clinic.gateway.smtp.stamp import stamps_of
from clinic.message.incoming.apply_receipts import apply_receipts
from clinic.message.incoming.inbox import RecordKeeper
from clinic.message.incoming.pull import pull
from clinic.message.incoming.receipt_timeout import end_waiting
from clinic.message.incoming.receipts import count_inbox
from clinic.message.sending.deliver import deliver
from clinic.record.database import Record
from clinic.record.schema.messages import message
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients, make_ledger
from tests.ports import free_port
from tests.servers.mail.dovecot import can_run as dovecot_can_run
from tests.servers.mail.dovecot import running_dovecot
from tests.servers.mail.postfix import Postfix, can_run, running_postfix
from tests.servers.relay import running_relay

pytestmark = pytest.mark.skipif(
    not (can_run() and dovecot_can_run()),
    reason="Postfix or Dovecot is not installed, or this is not root: .ci/run installs them",
)
PEOPLE = ["sian@example.org", "nobody@gone.example", "john@full.example", "mary@refused.example"]
# What Postfix takes, and its next hop refuses; refused.example it refuses itself
_REFUSED = {
    "nobody@gone.example": "550 5.1.1 no such mailbox",
    "john@full.example": "552 5.2.2 John is over quota",
}
_ROUTES = """\
recipient_delimiter = +
relay_domains = gone.example full.example refused.example sink.example
smtpd_recipient_restrictions =
  check_recipient_access inline:{{ {{ refused.example = 550 5.7.1 no mary here }} }}
transport_maps = inline:{{ {{ gone.example = smtp:[127.0.0.1]:{hop} }},
  {{ full.example = smtp:[127.0.0.1]:{hop} }}, {{ sink.example = smtp:[127.0.0.1]:{port} }} }}
"""


@pytest.fixture(scope="module")
def port() -> int:
    """Where our receiver is."""
    return free_port()


@pytest.fixture(scope="module")
def relay(port: int) -> Iterator[Postfix]:
    with running_relay(refuses=_REFUSED.get) as hop:
        routes = _ROUTES.format(port=port, hop=hop.port)
        with running_postfix(["sian", "bounces"], settings=routes) as running:
            yield running


def settings_for(relay: Postfix, bounces: str, **more: object) -> Settings:
    gateway = {
        "type": "smtp", "host": "127.0.0.1", "port": relay.port, "tls": "none", "sender": "p@example.org",
        "bounce_address": bounces, "verp": True, "success_reports": True, **more,
    }  # fmt: skip
    return Settings.model_validate(
        {
            "gateways": {"mail": gateway},
            "channels": {"email": {"gateways": ["mail"]}},
            "receipts": {"secret": "a secret that nobody guesses", "channels": ["sms", "email"]},
        }
    )


def send(record: Record, clock: FakeClock, folder: Path, settings: Settings) -> None:
    """A campaign to the four."""
    add_patients(record, len(PEOPLE))
    number = add_campaign(record, clock, len(PEOPLE), gateway="mail", channel="email")
    with record.write() as connection:
        for row, address in enumerate(PEOPLE, start=1):
            connection.execute(
                sa.update(message)
                .where(message.c.row_number == row)
                .values(address=address, channel="email", subject="Eich apwyntiad")
            )
    gateway = gateway_by_name(settings, "mail", "email", clock)
    with contextlib.closing(gateway):
        deliver(make_ledger(record, clock, folder, settings=settings), gateway, number, 1, 1)


def states_of(record: Record) -> list[tuple[str, str | None]]:
    with record.read() as connection:
        rows = connection.execute(
            sa.select(message.c.state, message.c.reason).order_by(message.c.row_number)
        )
        return [(row.state, row.reason) for row in rows]


SENT = [("accepted", None)] * 3 + [("rejected", "mail_refused")]
TOLD = [
    ("delivered", None),
    ("undelivered", "mailbox_unknown"),
    ("undelivered", "mailbox_full"),
    ("rejected", "mail_refused"),
]


def test_reports_of_a_real_relay_are_read_from_a_real_mailbox(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, relay: Postfix
) -> None:
    """Sent, reported, read by `settle`'s own step; read twice, nothing more."""
    with running_dovecot(relay.mail / "bounces") as dovecot:
        mailbox = {
            "host": "localhost", "port": dovecot.port, "tls": "starttls", "user": "bounces",
            "password": "secret",
        }  # fmt: skip
        settings = settings_for(
            relay, "bounces@example.org", mailbox=mailbox, authority_file=dovecot.authority
        )
        send(sqlite_record, clock, tmp_path, settings)
        assert states_of(sqlite_record) == SENT
        (reader,) = readers_of(settings, clock).values()
        until = time.monotonic() + 120
        while reader.look() < 3 and time.monotonic() < until:
            time.sleep(0.1)
        for new in (3, 0):
            found = pull(
                sqlite_record, clock, reader.fetch_page, gateway="mail", phones=settings.phones
            )
            assert found == new
    assert apply_receipts(sqlite_record, clock).applied == 3
    assert states_of(sqlite_record) == TOLD
    assert count_inbox(sqlite_record).not_understood == 0


def test_reports_of_a_real_relay_are_brought_to_our_own_receiver(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, relay: Postfix, port: int
) -> None:
    settings = settings_for(relay, "bounces@sink.example")
    keeper = RecordKeeper(sqlite_record, clock, settings.phones)
    with receiving(stamps_of(settings), keeper, host="127.0.0.1", port=port):
        send(sqlite_record, clock, tmp_path, settings)
        until = time.monotonic() + 120
        while count_inbox(sqlite_record).waiting < 3 and time.monotonic() < until:
            time.sleep(0.1)
    apply_receipts(sqlite_record, clock)
    assert states_of(sqlite_record) == TOLD


def test_an_e_mail_without_a_report_has_not_failed(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, relay: Postfix
) -> None:
    """Mail tells of failures alone, and a report may be lost; called failed, it would be sent again."""
    settings = settings_for(relay, "bounces@elsewhere.example")
    send(sqlite_record, clock, tmp_path, settings)
    clock.sleep(100 * 3600)
    end_waiting(sqlite_record, clock, settings.receipts, silent=settings.silent_gateways())
    assert states_of(sqlite_record) == SENT
