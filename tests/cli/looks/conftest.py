"""An installation where something of everything that commands show is of one patient."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.gateway.received import Inbound
from clinic.message import states
from clinic.message.incoming.receipts import keep_receipts
from clinic.message.incoming.replies import keep_replies
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.recall import recall, recall_task
from clinic.record.schema.receipts import contact_hold, receipt_unread, shared_decision
from clinic.settings import Phones
from tests.campaigns import Fate, put_campaign, put_patient
from tests.cli.office import Office, ask, hire

NUMBER, OTHER = "9990000018", "9990000026"


@pytest.fixture
def office(filled_record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """One patient with a campaign, a reply, a hold, a follow-up, a group, an operation that waits …"""
    monkeypatch.chdir(tmp_path)
    return _office(filled_record, tmp_path)


@pytest.fixture
def filled_record(filled: Path, tmp_path: Path) -> Iterator[Record]:
    """Its record, and its home beside it."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    record = Record.open(f"sqlite:///{tmp_path / 'record.db'}")
    yield record
    record.close()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Path:
    """The folder that each test has a copy of: typing what fills it costs half a second."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(migrated_sqlite, folder / "record.db")
    record = Record.open(f"sqlite:///{folder / 'record.db'}")
    with contextlib.chdir(folder):
        _fill(record, folder)
    record.close()
    return folder


def _office(record: Record, folder: Path) -> Office:
    office = Office(folder / "home", record)
    office.environment |= {
        "COHORT_PHONES__TEST_RANGE": "true",
        "COHORT_PREFECT_API_URL": "http://127.0.0.1:9/api",
    }
    office.looks = True
    return office


def _fill(record: Record, folder: Path) -> None:
    clock = SystemClock()
    names = {"given_name": "Zebedee", "family_name": "Quartermain", "mobile": "07700900123"}
    put_patient(record, 5, nhs_number=NUMBER, local_id="L5", postcode="AB1 2CD", **names)
    put_patient(record, 6, nhs_number=OTHER, local_id="L6", **names)
    cells = (NUMBER, "Zebedee")
    put_campaign(
        record,
        clock,
        [
            Fate(state=states.DELIVERED, patient_id=5, cells=cells, body="Zebedee, come."),
            Fate(outcome="phone_missing", patient_id=5, cells=cells),
        ],
    )
    office = _office(record, folder)
    hire(office)
    record = office.open()
    install(record, clock)
    said = [Inbound("outbox", "1", "sms", "+447700900123", "Zebedee is away")]
    keep_replies(record, clock, said, Phones(test_range=True))
    keep_receipts(record, clock, [])
    now = clock.now()
    with record.write() as connection:
        insert = connection.execute
        insert(shared_decision.insert().values(reply_id=1, patient_id=5))
        insert(
            contact_hold.insert().values(
                reply_id=1, why="wrong_number", channel="sms", address="+447700900123", patient_id=5,
                held_at=now,
            )
        )  # fmt: skip
        insert(recall.insert().values(campaign_id=1, recall_by=now.date(), owner="reception"))
        insert(
            recall_task.insert().values(
                campaign_id=1, row_number=2, patient_id=5, code="opted_out", owner="reception",
                due_on=now.date(), made_at=now,
            )
        )  # fmt: skip
        insert(
            receipt_unread.insert().values(
                gateway="http", why="body", body="from 7700900123", received_at=now, digest="0" * 64
            )
        )
    record.close()
    for words, typed in (
        (("groups", "add", "carers", "--name", "C", "--ids-from", "-"), NUMBER),
        (("templates", "patient", "flu-1", NUMBER, "--never", "--reason", "asked"), None),
        (
            (
                "patients",
                "safe-contact",
                "set",
                NUMBER,
                "--channel",
                "sms",
                "--reason",
                "as Zebedee",
            ),
            None,
        ),
        (("operations", "select", "--ids-from", "-"), NUMBER),
        (("tags", "add", "recall"), None),
        (
            ("operations", "status", "1", "--to", "on_hold", "--reason", "r", "--yes", "--no-run"),
            None,
        ),
    ):
        done = office.run(*words, typed=typed, me="mia")
        assert done.exit_code == 0, (words, done.output)
    ask(office, subject="operation", subject_id=1)
