"""NEW-14: between nights changes alone are asked for, and none is ever lost (clinic/sources/since.py)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from clinic.clock import Clock
from clinic.errors import ListRefused, SourceRefused
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.imports.undo.undo import undo_import
from clinic.record.database import Record
from clinic.record.schema.people import appointment, consent, patient
from clinic.record.schema.systems.imports import import_run
from clinic.record.schema.systems.sync import sync_run
from clinic.record.systems.sync_runs import SyncRun, last_runs
from clinic.settings import Settings, SourceSettings
from clinic.sources.syncing import Step, fetch, import_by_hand, import_given
from data_checks.sync.check import check_given
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

STEP = Step("warehouse", "appointments")
QUERY = (
    'SELECT id AS "Appointment ID", nhs AS "NHS Number", starts AS "Start", status AS "Status", note '
    "FROM slot WHERE changed >= :since"
)
COUNT = 40


class Killed(BaseException):
    """The process is gone."""


class Nights:
    """A practice, a warehouse of its appointments, and one night after the other."""

    def __init__(self, practice: Practice, base: sqlite3.Connection, **how: Any) -> None:
        self.practice, self.base, self.folder = practice, base, practice.folder / "queries"
        self.folder.mkdir()
        self.query(QUERY)
        base.execute(
            "CREATE TABLE slot (id INTEGER PRIMARY KEY, nhs, starts, status, note, changed)"
        )
        for n in range(1, COUNT + 1):
            self.slot(n)
        self.set(**how)

    def set(self, **how: Any) -> None:
        given = {"overlap_hours": 1} | how
        url = SecretStr(f"sqlite:///{self.practice.folder / 'warehouse.db'}")
        source = SourceSettings(type="sql", url=url, queries=str(self.folder), **given)
        self.settings: Settings = self.practice.settings.model_copy(
            update={"sources": {"warehouse": source}}
        )

    def query(self, text: str) -> None:
        (self.folder / "appointments.sql").write_text(text)

    def slot(self, n: int, status: str = "Booked", nhs_number: str = "") -> None:
        now = self.clock.now()
        values = (
            n,
            nhs_number or nhs(n),
            "2026-03-20 09:30:00",
            status,
            "",
            f"{now:%Y-%m-%d %H:%M:%S}",
        )
        with self.base:
            self.base.execute("INSERT OR REPLACE INTO slot VALUES (?, ?, ?, ?, ?, ?)", values)

    @property
    def clock(self) -> Clock:
        return self.practice.clock

    def run(self, *, after_hours: float = 24, kill: bool = False, step: Step = STEP) -> SyncRun:
        """The next night; `kill`: when its rows are imported, and nothing is noted yet."""
        self.clock.sleep(after_hours * 3600)
        own = (self.practice.record, self.clock, self.settings)
        given = fetch(*own, step)
        check_given(*own, given, by="nia")

        def reached(_: str) -> None:
            if kill:
                raise Killed

        import_given(*own, given, by="nia", reached=reached)
        return self.last()

    def last(self) -> SyncRun:
        with self.practice.record.read() as connection:
            (one,) = last_runs(connection)
        return one

    def statuses(self) -> dict[str, int]:
        query = sa.select(appointment.c.status, sa.func.count()).group_by(appointment.c.status)
        with self.practice.record.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


@pytest.fixture
def nights(record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[Nights]:
    practice = Practice(record, clock, tmp_path)
    practice.patients(COUNT)
    with closing(sqlite3.connect(tmp_path / "warehouse.db")) as base:
        yield Nights(practice, base)


def test_the_first_night_reads_all_and_the_next_what_changed_since(nights: Nights) -> None:
    first = nights.run()
    assert (first.whole, first.rows, first.since) == (True, COUNT, None)
    nights.clock.sleep(7200)
    nights.slot(1, "Cancelled")
    second = nights.run()
    assert (second.whole, second.rows) == (False, 1)
    assert second.since == first.begun_at - timedelta(hours=1)
    assert nights.statuses() == {"booked": COUNT - 1, "cancelled": 1}
    third = nights.run()
    assert (third.rows, third.state) == (0, "imported")


def fails_to_be_read(nights: Nights) -> None:
    nights.query("SELECT nothing FROM slot WHERE changed >= :since")
    with pytest.raises(SourceRefused):
        nights.run()
    nights.query(QUERY)


def is_killed(nights: Nights) -> None:
    with pytest.raises(Killed):
        nights.run(kill=True)


def is_stopped(nights: Nights) -> None:
    for n in range(100, 140):
        nights.slot(n, nhs_number=nhs(n))
    with pytest.raises(SourceRefused, match="nobody on the record"):
        nights.run()
    with nights.base:
        nights.base.execute("DELETE FROM slot WHERE id >= 100")


@pytest.mark.parametrize("happens", [fails_to_be_read, is_killed, is_stopped])
def test_a_night_that_does_not_end_loses_no_change(
    nights: Nights, happens: Callable[[Nights], None]
) -> None:
    """The mark moves with the end of an import alone: what changed before the bad night comes after it."""
    nights.run()
    nights.clock.sleep(7200)
    nights.slot(1, "Cancelled")
    happens(nights)
    after = nights.run()
    assert (after.whole, after.rows) == (False, 1)
    assert nights.statuses() == {"booked": COUNT - 1, "cancelled": 1}


def a_week_passes(nights: Nights) -> None:
    for _ in range(6):
        assert not nights.run().whole


def the_query_is_another(nights: Nights) -> None:
    nights.query(QUERY.replace("note", "note AS remark"))


def the_settings_are_others(nights: Nights) -> None:
    nights.set(statuses={"Booked": "booked"})


def a_stranger_comes_to_be_known(nights: Nights) -> None:
    """Their row was of nobody, and has not changed since."""
    nights.slot(41)
    nights.run(after_hours=1)
    nights.clock.sleep(7200)
    assert not nights.run().whole
    nights.practice.patient(41)


def an_import_is_put_back(nights: Nights) -> None:
    with nights.practice.record.read() as connection:
        number = connection.scalars(sa.select(import_run.c.id)).first()
    nights.clock.sleep(60)
    undo_import(nights.practice.record, nights.clock, number or 0, by="nia", check=False)
    assert nights.statuses() == {}


def an_undoing_is_killed(nights: Nights) -> None:
    """Between two of its parts: what it took out is gone, and it has no end."""
    with nights.practice.record.read() as connection:
        number = connection.scalars(sa.select(import_run.c.id)).first()

    class Stops:
        def now(self) -> datetime:
            raise Killed

    nights.clock.sleep(60)
    with pytest.raises(Killed):
        undo_import(nights.practice.record, Stops(), number or 0, by="nia", check=False)  # type: ignore[arg-type]  # it is asked for the time at its end
    assert nights.statuses() == {}


def another_source_s_import_is_put_back(nights: Nights) -> None:
    """It may be that what both had is here by the other's import."""
    import_file(nights, f"x,{nhs(1)},2026-03-21 09:30,Booked", source="another")
    with nights.practice.record.read() as connection:
        number = connection.scalar(sa.select(sa.func.max(import_run.c.id)))
    undo_import(nights.practice.record, nights.clock, number or 0, by="nia", check=False)


def an_id_is_corrected(nights: Nights) -> None:
    """Their row was of nobody, though they were here: by another id."""
    with nights.practice.record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == COUNT).values(nhs_number=nhs(99))
        )
    nights.slot(COUNT + 1, nhs_number=nhs(COUNT))
    assert nights.run(after_hours=1).pending == 1
    nights.clock.sleep(7200)
    assert not nights.run().whole
    with nights.practice.record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == COUNT).values(nhs_number=nhs(COUNT))
        )


def import_file(nights: Nights, row: str, *, source: str) -> None:
    heading = "Appointment ID,NHS Number,Start,Status"
    opened = open_file("appointments", nights.practice.file(row, heading=heading))
    how = import_by_hand if source in nights.settings.sources else run_import
    options = Options(by="nia", source=source)
    how(nights.practice.record, nights.clock, "appointments", opened, options)


def an_older_file_is_imported_by_hand(nights: Nights) -> None:
    nights.clock.sleep(7200)
    nights.slot(1, "Cancelled")
    assert nights.run().counts["cancelled"] == 1
    nights.clock.sleep(7200)
    assert not nights.run().whole
    import_file(nights, f"1,{nhs(1)},2026-03-20 09:30,Booked", source="warehouse")


def a_file_is_imported_by_hand_and_that_is_killed(nights: Nights) -> None:
    changed = nights.practice.file("1", heading="Appointment ID,NHS Number,Start,Status")
    opened = open_file("appointments", changed)
    changed.write_text("gone")
    with pytest.raises(ListRefused):
        import_by_hand(
            nights.practice.record, nights.clock, "appointments", opened,
            Options(by="nia", source="warehouse"),
        )  # fmt: skip


def a_night_in_between_read_it_otherwise(nights: Nights) -> None:
    """And was killed when its rows were here."""
    nights.query(
        QUERY.replace("status AS", "CASE WHEN id <= 20 THEN 'Cancelled' ELSE status END AS")
    )
    with pytest.raises(Killed):
        nights.run(kill=True)
    assert nights.statuses() == {"booked": COUNT - 20, "cancelled": 20}
    nights.query(QUERY)


def the_clock_is_set_back(nights: Nights) -> None:
    with nights.practice.record.write() as connection:
        ahead = nights.clock.now() + timedelta(days=2)
        connection.execute(sa.update(sync_run).values(begun_at=ahead))


def what_lay_ahead_is_there(nights: Nights) -> None:
    with nights.practice.record.write() as connection:
        due = nights.clock.now() + timedelta(days=1, hours=12)
        connection.execute(sa.update(sync_run).values(again_at=due))
    assert not nights.run().whole


def the_source_is_said_to_have_all(nights: Nights) -> None:
    nights.set(complete_days=28)


def every_night_shall_read_all(nights: Nights) -> None:
    nights.set(full_days=0)


@pytest.mark.parametrize(
    "happens",
    [
        a_week_passes, the_query_is_another, the_settings_are_others, a_stranger_comes_to_be_known,
        an_import_is_put_back, an_undoing_is_killed, another_source_s_import_is_put_back,
        an_id_is_corrected, an_older_file_is_imported_by_hand, a_file_is_imported_by_hand_and_that_is_killed,
        a_night_in_between_read_it_otherwise, the_clock_is_set_back, what_lay_ahead_is_there,
        the_source_is_said_to_have_all, every_night_shall_read_all,
    ],
)  # fmt: skip
def test_all_is_read_where_changes_alone_would_not_do(
    nights: Nights, happens: Callable[[Nights], None]
) -> None:
    assert nights.run().whole
    happens(nights)
    assert nights.run().whole
    people = nights.practice.count(appointment)
    assert people == nights.base.execute("SELECT count(*) FROM slot").fetchone()[0]
    said = nights.base.execute("SELECT lower(status), count(*) FROM slot GROUP BY 1")
    assert nights.statuses() == dict(said.fetchall()), "the record has what the source says"


def test_what_the_source_has_no_more_is_found_where_it_has_all(nights: Nights) -> None:
    nights.set(complete_days=28)
    nights.run()
    with nights.base:
        nights.base.execute("DELETE FROM slot WHERE id = 7")
    assert nights.run().counts["no_longer_there"] == 1
    assert nights.statuses() == {"booked": COUNT - 1, "cancelled": 1}


@pytest.mark.parametrize(("cancelled", "stops"), [(COUNT // 2, False), (COUNT // 2 + 1, True)])
def test_changes_are_a_share_of_all_and_not_of_themselves(
    nights: Nights, cancelled: int, stops: bool
) -> None:
    """Each row of changes is one: of a source of changes alone that says nothing; over half of all is a lot."""
    nights.run()
    nights.clock.sleep(7200)
    for n in range(1, cancelled + 1):
        nights.slot(n, "Cancelled")
    if stops:
        with pytest.raises(SourceRefused, match="changed"):
            nights.run()
    assert nights.statuses() == {"booked": COUNT} if stops else nights.run().counts["cancelled"]


def test_nights_without_a_change_make_nothing_fresh(nights: Nights) -> None:
    """A warehouse that is not filled any more has no changes either: its age is of what was imported last."""
    nights.query(QUERY.replace(", note", ", changed AS updated_at"))
    said = nights.run(after_hours=0).as_of
    assert said == datetime.fromisoformat(f"{nights.clock.now():%Y-%m-%dT%H:%M:%S%z}")
    assert nights.run().as_of == said
    with pytest.raises(SourceRefused, match="hours old"):
        nights.run()


def test_a_machine_that_stood_still_writes_no_older_rows_over_newer_ones(nights: Nights) -> None:
    """NEW-14: it fetched, its neighbour fetched and imported after it, and it goes on."""
    nights.run()
    nights.clock.sleep(7200)
    own = (nights.practice.record, nights.clock, nights.settings)
    slept = fetch(*own, STEP)
    nights.clock.sleep(7200)
    nights.slot(1, "Cancelled")
    assert nights.run().counts["cancelled"] == 1
    with pytest.raises(SourceRefused, match="later run"):
        import_given(*own, slept, by="nia")
    assert nights.statuses() == {"booked": COUNT - 1, "cancelled": 1}
    assert nights.last().state == "imported"


def test_of_two_nights_that_import_at_once_the_next_asks_for_all(nights: Nights) -> None:
    """NEW-14: whose rows came last nobody knows."""
    nights.run()
    own = (nights.practice.record, nights.clock, nights.settings)
    slept = fetch(*own, STEP)
    import_given(*own, slept, by="nia", reached=lambda _: _end(nights.run(after_hours=1)))
    assert nights.run().whole
    assert not nights.run().whole


def _end(run: SyncRun) -> None:
    assert run.state == "imported"


OPT_OUTS = Step("warehouse", "consents")


def opt_outs(nights: Nights, day: str) -> None:
    """The warehouse has one opt-out from this day on, and it never changes."""
    (nights.folder / "appointments.sql").unlink()
    (nights.folder / "consents.sql").write_text(
        'SELECT nhs AS "NHS Number", said AS "Decision", day AS "Date" FROM said WHERE changed >= :since'
    )
    with nights.base:
        nights.base.execute("CREATE TABLE said (nhs, said, day, changed)")
        values = (nhs(1), "opted out", day, f"{nights.clock.now():%Y-%m-%d %H:%M:%S}")
        nights.base.execute("INSERT INTO said VALUES (?, ?, ?, ?)", values)


def decisions(nights: Nights) -> list[str]:
    query = sa.select(consent.c.decision).order_by(consent.c.decided_at, consent.c.id)
    with nights.practice.record.read() as connection:
        return list(connection.scalars(query))


def agrees(nights: Nights, said: str) -> None:
    """Patient 1 agrees, as another system's file has it."""
    file = nights.practice.file(f"{nhs(1)},Consented,{said}", heading="NHS Number,Decision,Date")
    options = Options(by="nia", source="portal")
    opened = open_file("consents", file)
    run_import(nights.practice.record, nights.clock, "consents", opened, options)


def test_opt_outs_are_all_read_where_a_consent_from_elsewhere_overtook_one(nights: Nights) -> None:
    """ARC-11: of one day the opt-out counts, and its row is none of the changes."""
    day = f"{nights.clock.now() + timedelta(days=1):%Y-%m-%d}"
    opt_outs(nights, day)
    nights.run(step=OPT_OUTS)
    assert nights.run(step=OPT_OUTS).whole, "of a day that was not over"
    for _ in range(2):
        assert nights.run(step=OPT_OUTS, after_hours=30).rows == 0
    agrees(nights, f"{day} 23:00")
    assert decisions(nights) == ["opt_out", "opt_in"]
    assert nights.run(step=OPT_OUTS).whole
    assert decisions(nights) == ["opt_out", "opt_in", "opt_out"]
    assert not nights.run(step=OPT_OUTS).whole


def test_an_opt_out_from_monday_on_is_there_on_monday(nights: Nights) -> None:
    """ARC-11: they agreed to messages until then, and its row is none of the changes."""
    opt_outs(nights, f"{nights.clock.now() + timedelta(days=4):%Y-%m-%d}")
    nights.run(step=OPT_OUTS)
    assert nights.run(step=OPT_OUTS, after_hours=30).rows == 0
    agrees(nights, f"{nights.clock.now():%Y-%m-%d}")
    assert nights.run(step=OPT_OUTS).whole, "a consent overtook what it may be"
    assert decisions(nights) == ["opt_out", "opt_in"]
    assert nights.run(step=OPT_OUTS, after_hours=18).whole
    assert decisions(nights) == ["opt_out", "opt_in", "opt_out"]
