"""A restored, cloned or moved database starts held; a person lets its campaigns go on."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from clinic.message import states
from clinic.message.control import resume
from clinic.message.deliver import deliver
from clinic.message.timing import Timing
from clinic.message.witness import hold_if_restored, note_in, register
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import campaign, installation
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger


@pytest.fixture
def home(record: Record, clock: FakeClock, tmp_path: Path) -> Path:
    """The home of an installation that was set up."""
    add_patients(record, 30)
    install(record, clock)
    register(record, tmp_path / "home")
    return tmp_path / "home"


def send(record: Record, clock: FakeClock, home: Path, number: int, last: int) -> None:
    ledger = make_ledger(record, clock, home)
    ledger.witness = note_in(home, ledger.worker.name)
    deliver(ledger, FakeGateway(), number, 1, last)


def found(record: Record) -> list[tuple[str, str | None]]:
    with record.read() as connection:
        rows = connection.execute(
            sa.select(campaign.c.state, campaign.c.state_reason).order_by(campaign.c.id)
        )
        return [(row.state, row.state_reason) for row in rows]


def test_a_database_that_is_what_it_was_goes_on(
    record: Record, clock: FakeClock, home: Path
) -> None:
    number = add_campaign(record, clock, 30, batch_size=10)
    for last in (1, 2, 3):
        send(record, clock, home, number, last)
        assert hold_if_restored(record, clock, home) is None
    assert found(record) == [(states.RUNNING, None)]


def test_many_that_begin_at_once_do_not_take_each_others_note_away(
    record: Record, clock: FakeClock, home: Path
) -> None:
    with ThreadPoolExecutor(8) as many:
        list(many.map(lambda _: register(record, home), range(80)))
    assert hold_if_restored(record, clock, home) is None
    assert [path.name for path in home.iterdir() if path.is_file()] == ["installation.json"]


def test_a_database_from_a_backup_holds_what_it_would_send_again(
    sqlite_record_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-12, reliability §2.2: until a person resumes it; a second start holds nothing more."""
    path, home = Path(sqlite_record_url.removeprefix("sqlite:///")), tmp_path / "home"
    record = Record.open(sqlite_record_url)
    add_patients(record, 30)
    number = add_campaign(record, clock, 30, batch_size=10)
    register(record, home)
    send(record, clock, home, number, 1)
    record.close()
    shutil.copy(path, tmp_path / "backup.db")
    record = Record.open(sqlite_record_url)
    send(record, clock, home, number, 2)
    record.close()
    shutil.copy(tmp_path / "backup.db", path)
    record = Record.open(sqlite_record_url)
    assert hold_if_restored(record, clock, home) == "database-restored"
    assert found(record) == [(states.HELD_CAMPAIGN, "database-restored")]
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, home), gateway, number, 1, 3)
    assert gateway.calls == 0
    assert hold_if_restored(record, clock, home) is None
    resume(record, clock, number, by="nia", reason="looked at the provider", timing=Timing())
    assert found(record) == [(states.RUNNING, None)]
    with record.read() as connection:
        assert connection.scalar(sa.select(installation.c.epoch)) == 2
    record.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"machine": "another"}, "machine-changed"),
        ({"install_id": "another"}, "database-changed"),
        (None, "database-copied"),
    ],
)
def test_a_copy_elsewhere_starts_held(
    record: Record, clock: FakeClock, home: Path, change: dict[str, str] | None, code: str
) -> None:
    """Reliability §2.2: a cloned machine, another database, a home that never saw this one."""
    add_campaign(record, clock, 30)
    add_campaign(record, clock, 30, state=states.COMPLETED)
    path = home / "installation.json"
    known = orjson.loads(path.read_bytes()) | {"machine": "one"} | (change or {})
    if change is None:
        path.unlink()
    else:
        path.write_bytes(orjson.dumps(known))
    assert hold_if_restored(record, clock, home, machine="two") == code
    assert found(record) == [(states.HELD_CAMPAIGN, code), (states.COMPLETED, None)]
    assert hold_if_restored(record, clock, home, machine="two") is None


def test_a_new_home_beside_a_database_where_nothing_can_send_is_simply_taken_on(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    install(record, clock)
    assert hold_if_restored(record, clock, tmp_path / "new") is None
    add_patients(record, 30)
    add_campaign(record, clock, 30)
    assert hold_if_restored(record, clock, tmp_path / "new") is None
