"""After a restore, a copy or a failover nothing is sent by any path until a person says what had left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed, RecordUnsafe
from clinic.message import states
from clinic.message.campaign.sending_stop import allow, read_stop, stop_by_person
from clinic.message.prepare.control import resume
from clinic.message.prepare.due import due_campaigns
from clinic.message.reminders.appointments import appointment_query
from clinic.message.reminders.reminded_before import note_reminded
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.sending.deliver import deliver
from clinic.message.sending.restore_guard import (
    Home,
    SetBack,
    accept,
    hold_as_restored,
    hold_if_restored,
    notes_of,
    register,
)
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import campaign, installation, submission
from clinic.record.schema.people import appointment
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states
from tests.main_job import Practice

Copy = Callable[[], Record]
_ABLE = ("checking", "awaiting_approval", "scheduled", "running", "paused", "missed")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", tmp_path / "outside")


@pytest.fixture
def set_up(record: Record, clock: FakeClock, home: Home) -> Record:
    """An installation that was set up, with 30 patients."""
    add_patients(record, 30)
    install(record, clock)
    register(record, home)
    return record


def send(record: Record, clock: FakeClock, home: Home, number: int, last: int) -> FakeGateway:
    """A process of its own sends batches 1 to `last`."""
    gateway = FakeGateway("B")
    ledger = make_ledger(record, clock, home.path)
    ledger.witness = notes_of(record, home, ledger.worker.name)
    deliver(ledger, gateway, number, 1, last, patience=timedelta())
    return gateway


def found(record: Record) -> list[tuple[str, str | None]]:
    with record.read() as connection:
        rows = connection.execute(
            sa.select(campaign.c.state, campaign.c.state_reason).order_by(campaign.c.id)
        )
        return [(row.state, row.state_reason) for row in rows]


def why_stopped(record: Record) -> str | None:
    with record.read() as connection:
        stop = read_stop(connection)
    return stop.code if stop else None


def allow_again(record: Record, clock: FakeClock, home: Home) -> None:
    with record.write() as connection:
        allow(connection, clock, by="mia", reason="asked the provider", told={})
        accept(connection, home)


def test_a_record_that_is_what_it_was_goes_on(set_up: Record, clock: FakeClock, home: Home) -> None:
    number = add_campaign(set_up, clock, 30, batch_size=10)
    for last in (1, 2, 3):
        assert send(set_up, clock, home, number, last).calls == 1
        assert hold_if_restored(set_up, clock, home) is None
    assert found(set_up) == [(states.RUNNING, None)]


def test_many_that_begin_at_once_do_not_take_each_others_note_away(
    set_up: Record, clock: FakeClock, home: Home
) -> None:
    with ThreadPoolExecutor(8) as many:
        list(many.map(lambda _: register(set_up, home), range(80)))
    assert hold_if_restored(set_up, clock, home) is None
    assert [path.name for path in home.path.iterdir() if path.is_file()] == ["installation.json"]


@pytest.fixture
def restorable(
    sqlite_record_url: str, clock: FakeClock, home: Home, tmp_path: Path
) -> Iterator[tuple[Record, Copy, Copy]]:
    """A record on SQLite with a backup of it: what makes the backup, and what puts it in its place."""
    path = Path(sqlite_record_url.removeprefix("sqlite:///"))
    opened = [Record.open(sqlite_record_url)]
    add_patients(opened[0], 30)
    install(opened[0], clock)
    register(opened[0], home)

    def again(source: Path, target: Path) -> Record:
        opened.pop().close()
        shutil.copy(source, target)
        opened.append(Record.open(sqlite_record_url))
        return opened[0]

    backup = tmp_path / "backup.db"
    yield opened[0], lambda: again(path, backup), lambda: again(backup, path)
    opened.pop().close()


def test_after_a_restore_nothing_leaves_by_any_path(
    restorable: tuple[Record, Copy, Copy], clock: FakeClock, home: Home
) -> None:
    """NEW-12: neither what ran nor what is made now, at a second start neither, until a person allows it."""
    record, make_backup, restore = restorable
    number = add_campaign(record, clock, 30, batch_size=10)
    send(record, clock, home, number, 1)
    record = make_backup()
    send(record, clock, home, number, 2)
    record = restore()
    assert hold_if_restored(record, clock, home) == "database-restored"
    assert hold_if_restored(record, clock, home) == "database-restored"
    assert found(record) == [(states.HELD_CAMPAIGN, "database-restored")]
    new = add_campaign(record, clock, 20)  # whoever made it, it runs: what sends must ask
    assert send(record, clock, home, number, 3).calls == 0
    assert send(record, clock, home, new, 1).calls == 0
    assert due_campaigns(record, clock.now()) == []
    with pytest.raises(NotAllowed, match="sending-stopped"):
        resume(record, clock, number, by="nia", reason="go", timing=Timing())
    allow_again(record, clock, home)
    assert hold_if_restored(record, clock, home) is None
    assert send(record, clock, home, number, 3).calls == 0  # held until somebody resumes it
    assert send(record, clock, home, new, 1).calls == 1
    with pytest.raises(NotAllowed, match="left-unsaid"):  # a blind gateway: nobody knows
        resume(record, clock, number, by="nia", reason="looked", timing=Timing())
    resume(record, clock, number, by="nia", reason="no", timing=Timing(), left="unknown")
    assert send(record, clock, home, number, 3).calls == 0
    assert message_states(record, number) == {"accepted": 10, "unknown": 20}


def test_a_second_restore_of_the_same_backup_is_noticed_too(
    restorable: tuple[Record, Copy, Copy], clock: FakeClock, home: Home
) -> None:
    record, make_backup, restore = restorable
    number = add_campaign(record, clock, 30, batch_size=10)
    record = make_backup()
    send(record, clock, home, number, 1)
    record = restore()
    assert hold_if_restored(record, clock, home) == "database-restored"
    record = restore()
    assert hold_if_restored(record, clock, home) == "database-restored"
    allow_again(record, clock, home)
    record = restore()
    assert hold_if_restored(record, clock, home) == "database-restored"


def test_a_home_that_was_restored_with_its_notes_is_noticed_by_those_outside_of_it(
    restorable: tuple[Record, Copy, Copy], clock: FakeClock, home: Home, tmp_path: Path
) -> None:
    record, make_backup, restore = restorable
    number = add_campaign(record, clock, 30, batch_size=10)
    send(record, clock, home, number, 1)
    record = make_backup()
    shutil.copytree(home.path, tmp_path / "home-backup")
    send(record, clock, home, number, 2)
    record = restore()
    shutil.rmtree(home.path)
    shutil.copytree(tmp_path / "home-backup", home.path)
    assert hold_if_restored(record, clock, home) == "database-restored"
    # Without them nobody could tell: the control of this test
    record = restore()
    assert hold_if_restored(record, clock, replace(home, outside=None)) is None


def test_a_process_that_is_sending_when_its_record_is_set_back_stops(
    restorable: tuple[Record, Copy, Copy], clock: FakeClock, home: Home
) -> None:
    """A failover to a replica that lags: the process reconnects and finds its last submission unknown."""
    record, make_backup, restore = restorable
    number = add_campaign(record, clock, 30, batch_size=10)
    record = make_backup()
    ledger = make_ledger(record, clock, home.path)
    ledger.witness = notes_of(record, home, ledger.worker.name)
    gateway = FakeGateway("B")
    deliver(ledger, gateway, number, 1, 2, patience=timedelta())
    ledger.record = record = restore()
    deliver(ledger, gateway, number, 1, 3, patience=timedelta())
    assert (gateway.calls, max(gateway.received.values())) == (2, 1)
    assert why_stopped(record) == "database-restored"
    assert found(record) == [(states.HELD_CAMPAIGN, "database-restored")]
    allow_again(record, clock, home)
    resume(record, clock, number, by="nia", reason="looked", timing=Timing(), left="nothing")
    deliver(ledger, gateway, number, 3, 3, patience=timedelta())
    assert gateway.calls == 3  # a person knows of it: the same process goes on


def test_what_another_thread_notes_while_the_record_is_asked_is_no_alarm(
    set_up: Record, clock: FakeClock, home: Home
) -> None:
    """Threads of one process share its note: the first of them notes while the second has asked about none."""
    send(set_up, clock, home, add_campaign(set_up, clock, 10), 1)
    notes = notes_of(set_up, home, "two:threads")
    with set_up.read() as connection:
        left = connection.scalars(sa.select(submission.c.id)).one()
        notes.require_same(connection)

    def note_meanwhile(_: object, __: object, statement: str, *___: object) -> None:
        if "submission" in statement:
            notes.note(left, clock.now())

    sa.event.listen(set_up.engine, "after_cursor_execute", note_meanwhile)
    try:
        with set_up.read() as connection:
            notes.require_same(connection)
    finally:
        sa.event.remove(set_up.engine, "after_cursor_execute", note_meanwhile)
    notes.note(
        "never-committed".ljust(36, "0"), clock.now()
    )  # and what the record does not know is one
    with set_up.read() as connection, pytest.raises(SetBack, match="database-restored"):
        notes.require_same(connection)


@pytest.mark.parametrize("state", _ABLE)
def test_each_state_that_could_send_is_held(
    set_up: Record, clock: FakeClock, home: Home, state: str
) -> None:
    add_campaign(set_up, clock, 30, state=state)
    add_campaign(set_up, clock, 30, state=states.COMPLETED)
    hold_as_restored(set_up, clock, home)
    assert found(set_up) == [
        (states.HELD_CAMPAIGN, "database-restored"), (states.COMPLETED, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [({"machine": "another"}, "machine-changed"), ({"install_id": "another"}, "database-changed")],
)
def test_a_copy_elsewhere_starts_stopped(
    set_up: Record, clock: FakeClock, home: Home, change: dict[str, str], code: str
) -> None:
    """Reliability §2.2: a cloned machine, another database."""
    add_campaign(set_up, clock, 30)
    path = home.path / "installation.json"
    known = orjson.loads(path.read_bytes()) | {"machine": "one"} | change
    path.write_bytes(orjson.dumps(known))
    assert hold_if_restored(set_up, clock, replace(home, machine="two")) == code
    assert found(set_up) == [(states.HELD_CAMPAIGN, code)]


def test_another_cluster_or_timeline_stops_all_until_it_is_known(
    set_up: Record, clock: FakeClock, home: Home
) -> None:
    """A restored dump, a promoted replica: PostgreSQL says so itself, to running processes too."""
    if set_up.dialect == "sqlite":
        with set_up.read() as connection:
            assert connection.scalar(sa.select(installation.c.cluster)) is None
        return
    number = add_campaign(set_up, clock, 30, batch_size=10)
    ledger = make_ledger(set_up, clock, home.path)
    ledger.witness = notes_of(set_up, home, ledger.worker.name)
    gateway = FakeGateway("B")
    deliver(ledger, gateway, number, 1, 1, patience=timedelta())
    with set_up.write() as connection:
        known = connection.scalar(sa.select(installation.c.cluster))
        assert known is not None
        assert known.endswith("/00000001")
        connection.execute(sa.update(installation).values(cluster=known[:-1] + "2"))
    deliver(ledger, gateway, number, 1, 3, patience=timedelta())
    assert gateway.calls == 1
    assert why_stopped(set_up) == "database-moved"
    allow_again(set_up, clock, home)
    assert hold_if_restored(set_up, clock, home) is None


def test_a_home_that_never_worked_with_a_record_that_has_sent_is_refused(
    set_up: Record, clock: FakeClock, home: Home, tmp_path: Path
) -> None:
    """A new home made over a restored record must not begin by forgetting that it was restored."""
    other = Home(tmp_path / "new", tmp_path / "outside of new")
    assert hold_if_restored(set_up, clock, other) is None  # nothing was ever sent
    shutil.rmtree(other.path)
    number = add_campaign(set_up, clock, 30, batch_size=10)
    with pytest.raises(
        RecordUnsafe, match="home-unknown"
    ):  # it may have been, by a machine that was lost
        hold_if_restored(set_up, clock, other)
    send(set_up, clock, home, number, 1)
    with pytest.raises(RecordUnsafe, match="home-unknown"):
        hold_if_restored(set_up, clock, other)
    assert found(set_up) == [(states.RUNNING, None)]  # the homes that know it go on
    register(set_up, other)  # a further machine that joins
    assert hold_if_restored(set_up, clock, other) is None
    assert send(set_up, clock, other, number, 2).calls == 1
    shutil.rmtree(other.path)
    hold_as_restored(set_up, clock, other)
    assert why_stopped(set_up) == "database-restored"


def test_a_person_stops_everything_and_it_goes_on_where_it_was(
    set_up: Record, clock: FakeClock, home: Home
) -> None:
    """NEW-9: at the next batch; no campaign changes its state."""
    number = add_campaign(set_up, clock, 30, batch_size=10)
    practice = add_campaign(set_up, clock, 10, dry_run=True)
    send(set_up, clock, home, number, 1)
    stop_by_person(set_up, clock, by="nia", reason="the wrong text")
    stop_by_person(set_up, clock, by="ann", reason="me too")
    assert send(set_up, clock, home, number, 3).calls == 0
    assert send(set_up, clock, home, practice, 1).calls == 1  # of a dry run nothing leaves
    assert found(set_up)[0] == (states.RUNNING, None)
    allow_again(set_up, clock, home)
    assert send(set_up, clock, home, number, 3).calls == 2
    with pytest.raises(NotAllowed, match="sending-not-stopped"):
        allow_again(set_up, clock, home)


def test_no_campaign_is_made_while_sending_is_stopped(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    practice = Practice(record, clock, tmp_path)
    practice.patients(3)
    first = practice.begin(practice.everybody(3, name="one.csv"), request_key="one")
    stop_by_person(record, clock, by="nia", reason="")
    with pytest.raises(NotAllowed, match="sending-stopped"):
        practice.begin(practice.everybody(2, name="two.csv"), request_key="two")
    assert practice.begin(practice.everybody(3, name="one.csv"), request_key="one") == first
    practice.begin(practice.everybody(2, name="two.csv"), request_key="dry", dry_run=True)


def test_what_the_lost_record_reminded_of_is_not_reminded_of_again(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-5, COM-15: those up to the day that a person names, once."""
    practice = Practice(record, clock, tmp_path)
    practice.patients(4)
    at = [clock.now() + timedelta(days=days) for days in (1, 2, 3, 9)]
    with record.write() as connection:
        connection.execute(
            sa.insert(appointment),
            [
                {"id": n, "patient_id": n, "starts_at": day, "status": "booked"}
                for n, day in enumerate(at, start=1)
            ],
        )
        assert note_reminded(connection, clock, at[2], by="mia") == 2
    clock.sleep(60)
    with record.write() as connection:
        assert note_reminded(connection, clock, at[2], by="mia") == 0
        wanted = ReminderRequest(days=20)
        query = appointment_query(
            connection, wanted, now=clock.now(), zone=ZoneInfo("Europe/London"), by="mia"
        )
        assert sorted(row.id for row in connection.execute(query)) == [3, 4]
