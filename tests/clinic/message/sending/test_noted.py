"""After a failover this machine's notes say which batches were begun: those are unknown, the rest is sent."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotAllowed
from clinic.gateway.protocol import GatewayClass
from clinic.message import states
from clinic.message.campaign.doubt import Left, Promise
from clinic.message.campaign.sending_stop import allow
from clinic.message.prepare.control import cancel, resume
from clinic.message.sending import journal
from clinic.message.sending.deliver import deliver
from clinic.message.sending.restore_guard import (
    Home,
    accept,
    hold_as_restored,
    hold_if_restored,
    noted_of,
    notes_of,
    register,
)
from clinic.message.timing.timing import Timing
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.messages import batch, campaign
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import add_campaign, add_patients, make_ledger, message_states

WINDOW = timedelta(hours=24)


class Practice:
    """Fifty patients in ten batches, a machine with notes, and a gateway that counts."""

    def __init__(self, url: str, clock: FakeClock, folder: Path, promise: GatewayClass) -> None:
        self.path, self.clock, self.folder = Path(url.removeprefix("sqlite:///")), clock, folder
        self.home = Home(folder / "home", folder / "outside")
        self.gateway = FakeGateway(promise, window=WINDOW)
        self.record = Record.open(url)
        add_patients(self.record, 50)
        install(self.record, clock)
        register(self.record, self.home)
        self.number = add_campaign(self.record, clock, 50, batch_size=5)

    def send(self, last: int = 10, home: Home | None = None) -> None:
        self.clock.sleep(10)
        ledger = make_ledger(self.record, self.clock, self.home.path)
        ledger.witness = notes_of(self.record, home or self.home, ledger.worker.name)
        deliver(ledger, self.gateway, self.number, 1, last, patience=timedelta())
        ledger.worker.close()

    def keep(self) -> None:
        """What a replica that lags has."""
        self.record.close()
        shutil.copy(self.path, self.folder / "replica.db")
        self.open()

    def open(self) -> None:
        self.record = Record.open(f"sqlite:///{self.path}")

    def fail_over(self) -> None:
        self.record.close()
        shutil.copy(self.folder / "replica.db", self.path)
        self.open()
        self.clock.sleep(30)
        hold_if_restored(self.record, self.clock, self.home)

    def resume(self, left: Left = "noted", home: Home | None = None) -> None:
        with self.record.write() as connection:
            allow(connection, self.clock, by="mia", reason="failed over", told={})
            accept(connection, self.home)
        resume(
            self.record, self.clock, self.number, by="nia", reason="looked", timing=Timing(),
            left=left, promises={"sms": Promise(self.gateway.gateway_class, WINDOW)},
            noted=noted_of(self.record, home or self.home),
        )  # fmt: skip

    @property
    def twice(self) -> int:
        return sum(count - 1 for count in self.gateway.received.values())


@pytest.fixture
def practice(sqlite_record_url: str, clock: FakeClock, tmp_path: Path) -> Practice:
    return Practice(sqlite_record_url, clock, tmp_path, "B")


def lag(practice: Practice) -> None:
    """Three batches are known, two more were sent, and a replica takes over that has not got them."""
    practice.send(3)
    practice.keep()
    practice.send(5)
    practice.fail_over()


@pytest.mark.parametrize("promise", ["B", "I"])
def test_what_was_noted_is_unknown_and_the_rest_is_sent(
    sqlite_record_url: str, clock: FakeClock, tmp_path: Path, promise: GatewayClass
) -> None:
    """NEW-3, NEW-12: of a blind gateway's fifty, ten are unknown and not thirty-five; nobody gets it twice."""
    practice = Practice(sqlite_record_url, clock, tmp_path, promise)
    lag(practice)
    practice.resume()
    practice.send()
    assert message_states(practice.record, practice.number) == {"accepted": 40, "unknown": 10}
    assert (len(practice.gateway.received), practice.twice) == (50, 0)


def test_the_control_says_nothing_and_is_wrong(practice: Practice) -> None:
    lag(practice)
    practice.resume("nothing")
    practice.send()
    assert practice.twice == 10


def test_cancelled_after_the_notes_were_asked_only_what_was_begun_is_unknown(
    practice: Practice,
) -> None:
    lag(practice)
    practice.resume()
    cancel(practice.record, practice.clock, practice.number, by="nia", reason="enough")
    counts = message_states(practice.record, practice.number)
    assert counts == {"accepted": 15, "unknown": 10, "cancelled": 25}


def test_what_a_dead_process_left_open_and_another_sent_is_noted_too(practice: Practice) -> None:
    """The first died before it noted; whoever took over asked a class I gateway with the same key."""
    practice.gateway.gateway_class = "I"
    practice.send(3)
    practice.keep()
    practice.gateway.plan = ["cut"]
    practice.send(4)
    folder = practice.home.folders(_install_id(practice))[-1]
    lines = (folder / "submissions.log").read_text().splitlines(keepends=True)
    (folder / "submissions.log").write_text("".join(lines[:-1]))
    practice.clock.sleep(61)
    practice.send(4)
    practice.fail_over()
    practice.resume()
    practice.send()
    assert message_states(practice.record, practice.number) == {"accepted": 45, "unknown": 5}
    assert practice.twice == 0


def _install_id(practice: Practice) -> str:
    (folder,) = [one for one in (practice.folder / "outside").iterdir() if one.is_dir()]
    return folder.name


def _no_notes(practice: Practice) -> Home:
    return Home(practice.folder / "another", practice.folder / "nothing outside")


def _another_machine_sent(practice: Practice) -> Home:
    practice.send(2, Home(practice.folder / "second", practice.folder / "outside of the second"))
    lag(practice)
    return practice.home


def _notes_were_set_back_too(practice: Practice) -> Home:
    practice.send(3)
    practice.keep()
    kept = practice.folder / "kept"
    shutil.copytree(practice.folder / "outside", kept)
    practice.send(5)
    shutil.rmtree(practice.folder / "outside")
    shutil.copytree(kept, practice.folder / "outside")
    practice.fail_over()
    hold_as_restored(practice.record, practice.clock, practice.home)
    return practice.home


def _not_released(practice: Practice) -> Home:
    lag(practice)
    with practice.record.write() as connection:
        connection.execute(sa.update(campaign).values(released_at=None))
    return practice.home


def _lag_elsewhere(practice: Practice) -> Home:
    lag(practice)
    return _no_notes(practice)


@pytest.mark.parametrize(
    ("bring_about", "why"),
    [
        (_lag_elsewhere, "they miss submissions"),
        (_another_machine_sent, "they miss submissions"),
        (_notes_were_set_back_too, "nothing that the record does not know"),
        (_not_released, "not prepared yet"),
    ],
)
def test_notes_that_cannot_tell_are_refused_and_nothing_is_sent(
    practice: Practice, bring_about: Callable[[Practice], Home], why: str
) -> None:
    home = bring_about(practice)
    with pytest.raises(NotAllowed, match=why) as refused:
        practice.resume(home=home)
    assert refused.value.code == "left-noted"
    with practice.record.read() as connection:
        assert connection.scalar(sa.select(campaign.c.state)) == states.HELD_CAMPAIGN
        assert not connection.scalar(sa.select(sa.func.count()).where(batch.c.lost))
    calls = practice.gateway.calls
    practice.send()
    assert practice.gateway.calls == calls


def test_lines_that_a_crash_cut_short_and_files_that_are_full(tmp_path: Path) -> None:
    keys = [f"{n:08}-0000-5000-8000-{n:012}" for n in range(5)]
    at = datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=UTC)
    journal.append(tmp_path, keys[0], at)
    with (tmp_path / "submissions.log").open("a") as file:
        file.write(f"{keys[1]} 17724")
    journal.append(tmp_path, keys[2], at, most=100)  # full: the next goes to a new file
    journal.append(tmp_path, keys[3], at + timedelta(hours=1))
    assert journal.read(tmp_path) == {keys[0]: at, keys[2]: at, keys[3]: at + timedelta(hours=1)}
    assert sorted(os.listdir(tmp_path)) == ["submissions.log", "submissions.log.1"]
    assert (tmp_path / "submissions.log").stat().st_mode & 0o077 == 0
    journal.append(tmp_path, keys[4], at, most=1)  # only one older file is kept
    assert set(journal.read(tmp_path)) == {keys[3], keys[4]}
