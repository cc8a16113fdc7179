"""The step of `settle` that reads mailboxes: one that cannot be read keeps no other from being read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clinic.errors import GatewayBusy
from clinic.gateway.smtp.stamp import stamps_of
from clinic.message.incoming.receipts import count_inbox
from clinic.message.sending.worker import Worker
from clinic.record.database import Record
from clinic.settings import Settings
from tasks.settle import pull_mail
from tasks.wiring import Wiring, use
from tests.clinic.gateway.bounces.mails import block, dsn
from tests.fakes import FakeClock
from tests.servers.mail.imap import scripted_imap
from tests.servers.scripted import hang_up


def relay(port: int, **mailbox: Any) -> dict[str, Any]:
    own = {"host": "127.0.0.1", "port": port, "tls": "none", "user": "b", "password": "secret"}
    return {
        "type": "smtp", "host": "relay.test", "sender": "p@hill.example", "timeout_seconds": 5,
        "bounce_address": "bounces@hill.example", "mailbox": own | mailbox,
    }  # fmt: skip


@pytest.fixture
def parts() -> Iterator[None]:
    yield
    use(None)


def test_the_others_are_read_and_the_run_says_which_was_not(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, parts: None
) -> None:
    with scripted_imap(hang_up) as down:
        found = Settings.model_validate(
            {
                "receipts": {"secret": "a secret that nobody guesses"},
                "gateways": {"second": relay(1)},
            }
        )
        raw = dsn(block("failed", "5.1.1"), envelope_id=stamps_of(found)["second"].token(7))
        fetched = b"* 1 FETCH (UID 3 BODY[]<0> {%d}\r\n%b)\r\n{tag} OK done\r\n" % (len(raw), raw)
        with scripted_imap(
            CAPABILITY=b"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n", FETCH=fetched
        ) as good:
            settings = Settings.model_validate(
                {
                    "home": tmp_path,
                    "receipts": {"secret": "a secret that nobody guesses"},
                    "gateways": {
                        "broken": relay(1) | {"authority_file": str(tmp_path / "nothing.pem")},
                        "first": relay(down.port),
                        "second": relay(good.port),
                    },
                }
            )
            use(Wiring(settings, sqlite_record, clock, Worker(tmp_path / "workers")))
            for _ in range(2):  # read again from where it ended
                with pytest.raises(GatewayBusy, match="receipts-unreachable") as told:
                    pull_mail()
                assert "gateways.first.mailbox" in told.value.says
                assert count_inbox(sqlite_record).waiting == 1
