"""NEW-14, NEW-16: what a source gives is fetched, judged, and imported or not; and what a person sees of it."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import NotFound, SourceRefused
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.schema.people import appointment
from clinic.record.systems.sync_runs import SyncRun, last_runs, runs_before
from clinic.settings import Settings, SourceSettings
from clinic.sources.accepting import accept_stopped
from clinic.sources.syncing import Step, fetch, import_given, steps_of
from data_checks.sync.check import check_given
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

HEADING = "SlotGuid,NHS Number,AppointmentDate,AppointmentStartTime,SlotStatus"
STEP = Step("emis", "appointments")


class Killed(BaseException):
    """The process is gone."""


class Night:
    """A practice whose other system exports slots into a folder."""

    def __init__(self, practice: Practice) -> None:
        self.practice = practice
        self.folder = practice.folder / "exports"
        self.folder.mkdir()
        source = SourceSettings(
            type="files", folder=str(self.folder), patterns={"appointments": "slots*.csv"}
        )
        self.settings: Settings = practice.settings.model_copy(update={"sources": {"emis": source}})

    def export(self, *rows: str, hours_ago: float = 2, name: str = "slots.csv") -> Path:
        path = self.folder / name
        path.write_text("\n".join([HEADING, *rows]), encoding="utf-8")
        written = (self.practice.clock.now() - timedelta(hours=hours_ago)).timestamp()
        os.utime(path, (written, written))
        return path

    def run(self, *, kill: str = "") -> dict[str, int]:
        """One night; `kill`: after which file."""

        def reached(origin: str) -> None:
            if origin == kill:
                raise Killed

        own = (self.practice.record, self.practice.clock, self.settings)
        given = fetch(*own, STEP)
        check_given(*own, given, by="nia")
        return import_given(*own, given, by="nia", reached=reached)

    def last(self) -> SyncRun:
        with self.practice.record.read() as connection:
            return last_runs(connection)[0]

    def booked(self) -> int:
        query = sa.select(sa.func.count()).select_from(appointment)
        with self.practice.record.read() as connection:
            return connection.scalar(query.where(appointment.c.status == "booked")) or 0


def slots(count: int, *, status: str = "Booked", start: int = 1) -> list[str]:
    return [
        f"s{n},{nhs(n)},2026-03-{3 + n % 20:02},09:30,{status}" for n in range(start, start + count)
    ]


@pytest.fixture
def night(record: Record, clock: FakeClock, tmp_path: Path) -> Night:
    practice = Practice(record, clock, tmp_path)
    practice.patients(40)
    return Night(practice)


def test_a_night_imports_what_came_notes_it_and_puts_it_away(night: Night) -> None:
    path = night.export(*slots(30))
    assert night.run() == {"added": 30}
    last = night.last()
    assert (last.state, last.rows, last.origin) == ("imported", 30, "slots.csv")
    assert last.as_of == night.practice.clock.now() - timedelta(hours=2)
    assert not path.exists()
    assert list((night.practice.folder / "sources" / "emis").glob("[0-9]*")) == []


def test_half_a_file_changes_nothing_and_says_what_to_do(night: Night) -> None:
    """NEW-16: of a source that sends half of what it sent, nothing is imported; the file stays."""
    night.export(*slots(40))
    night.run()
    path = night.export(*slots(12, status="Cancelled"))
    with pytest.raises(
        SourceRefused, match=r"12 rows.*had 40.*cohort sources accept emis appointments"
    ):
        night.run()
    assert night.booked() == 40
    assert path.exists()
    last = night.last()
    assert (last.state, last.code, last.rows) == ("stopped", "sync-stopped", 12)


def test_another_practice_s_file_changes_nothing(night: Night) -> None:
    night.export(*slots(5), *(f"x{n},{nhs(n)},2026-03-09,10:00,Booked" for n in range(100, 130)))
    with pytest.raises(SourceRefused, match="nobody on the record"):
        night.run()
    assert night.booked() == 0


def test_a_mass_cancellation_stops_until_a_named_person_accepts_it_once(night: Night) -> None:
    """The yes is on the trail, and counts for that import alone."""
    night.export(*slots(40))
    night.run()
    mass = [*slots(30, status="Cancelled"), *slots(10, start=31)]
    night.export(*mass)
    with pytest.raises(SourceRefused, match="cancelled or otherwise changed"):
        night.run()
    own = (night.practice.record, night.practice.clock)
    accept_stopped(*own, "emis", "appointments", "The clinic burned down", by="nia")
    night.run()
    assert night.booked() == 10
    with night.practice.record.read() as connection:
        acts = connection.scalars(sa.select(audit_act.c.operation_type)).all()
    assert acts.count("sync.accepted") == 1
    night.export(*slots(40))
    with pytest.raises(SourceRefused):
        night.run()


@pytest.mark.parametrize("before_its_import", [True, False])
def test_a_yes_is_not_used_up_by_a_run_that_was_killed(
    night: Night, before_its_import: bool
) -> None:
    """Nor are later nights held against nothing: what it let pass never was imported."""
    night.export(*slots(40))
    night.run()
    night.export(*slots(30, status="Cancelled"), *slots(10, start=31))
    with pytest.raises(SourceRefused):
        night.run()
    own = (night.practice.record, night.practice.clock)
    accept_stopped(*own, "emis", "appointments", "The clinic burned down", by="nia")
    if before_its_import:
        given = fetch(*own, night.settings, STEP)
        check_given(*own, night.settings, given, by="nia")
        with night.practice.record.read() as connection:
            before = runs_before(connection, STEP.source, STEP.kind, before=given.run + 1, limit=5)
        assert [run.rows for run in before] == [40]
    else:
        with pytest.raises(Killed):
            night.run(kill="slots.csv")
    night.run()
    assert night.booked() == 10
    night.export(*slots(40))
    with pytest.raises(SourceRefused):
        night.run()


def test_what_a_person_let_pass_is_what_later_nights_are_held_against(night: Night) -> None:
    """A clinic has closed: nobody is asked for it each night from then on."""
    night.export(*slots(40))
    night.run()
    night.export(*slots(15))
    with pytest.raises(SourceRefused):
        night.run()
    own = (night.practice.record, night.practice.clock)
    accept_stopped(*own, "emis", "appointments", "The clinic has closed", by="nia")
    night.run()
    for _ in range(2):
        night.export(*slots(15))
        assert night.run() == {"unchanged": 15}


def test_a_yes_is_for_what_was_found_and_not_for_what_is_wrong_besides(night: Night) -> None:
    night.export(*slots(40))
    night.run()
    night.export(*slots(30, status="Cancelled"), *slots(10, start=31))
    with pytest.raises(SourceRefused):
        night.run()
    own = (night.practice.record, night.practice.clock)
    accept_stopped(*own, "emis", "appointments", "All are ill", by="nia")
    night.export(*slots(15, status="Cancelled"))  # half of it now
    with pytest.raises(SourceRefused, match="the last imports had"):
        night.run()
    assert night.booked() == 40


def test_nothing_that_was_not_stopped_can_be_accepted(night: Night) -> None:
    night.export(*slots(40))
    night.run()
    own = (night.practice.record, night.practice.clock)
    with pytest.raises(NotFound, match="not stopped"):
        accept_stopped(*own, "emis", "appointments", "Because", by="nia")


def test_killed_after_the_import_it_is_imported_again_and_nothing_changes(night: Night) -> None:
    path = night.export(*slots(30))
    with pytest.raises(Killed):
        night.run(kill="slots.csv")
    assert (night.last().state, path.exists(), night.booked()) == ("begun", True, 30)
    night.run()
    assert night.last().counts["unchanged"] == 30
    assert (night.last().state, path.exists(), night.booked()) == ("imported", False, 30)


def test_a_source_that_gives_nothing_is_noted_with_why(night: Night) -> None:
    with pytest.raises(SourceRefused, match="no file"):
        night.run()
    assert (night.last().state, night.last().code) == ("failed", "source-no-file")
    night.export(*slots(3), hours_ago=40)
    with pytest.raises(SourceRefused, match="40 hours old"):
        night.run()


def test_a_file_that_is_none_is_noted_and_stays(night: Night) -> None:
    path = night.export()
    path.write_bytes(b"\x00\x01\x02")
    os.utime(path, (night.practice.clock.now().timestamp() - 600,) * 2)
    with pytest.raises(Exception, match=r"slots\.csv"):
        night.run()
    assert (night.last().state, path.exists()) == ("failed", True)


def test_a_heading_alone_is_a_source_that_has_none_now(night: Night) -> None:
    night.export()
    assert night.run().get("added", 0) == 0
    assert (night.last().state, night.last().rows) == ("imported", 0)


def test_every_kind_of_every_source_is_a_step(night: Night) -> None:
    own = (night.practice.record, night.practice.clock, night.settings)
    assert steps_of(*own) == [STEP]
    with pytest.raises(NotFound, match="no source 'nhs'"):
        steps_of(*own, ["nhs"])


def given_all(night: Night, days: int, *, most: float = 0.2, past: int = 0) -> None:
    """The source is set to hold all appointments of so many days."""
    how = night.settings.sources["emis"].model_copy(
        update={"complete_days": days, "complete_past_days": past, "most_gone": most}
    )
    night.settings = night.settings.model_copy(update={"sources": {"emis": how}})


def states(night: Night) -> dict[int, str]:
    query = sa.select(appointment.c.patient_id, appointment.c.status)
    with night.practice.record.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def at(night: Night, n: int, days: int) -> str:
    day = night.practice.clock.now() + timedelta(days=days)
    return f"d{n},{nhs(n)},{day:%Y-%m-%d},09:30,Booked"


def test_what_vanishes_from_a_source_that_has_all_of_some_days_is_cancelled(night: Night) -> None:
    """Of these days alone: neither one before today, nor one further ahead than its export reaches."""
    kept = [at(night, n, 5) for n in range(10, 30)]
    night.export(at(night, 1, 3), at(night, 2, 27), at(night, 3, 29), at(night, 4, -1), *kept)
    night.run()
    night.export(*kept)
    assert night.run() == {
        "unchanged": 20
    }  # it is not set: nothing is cancelled for not being there
    given_all(night, 28)
    night.export(*kept)
    assert night.run() == {"unchanged": 20, "no_longer_there": 2}
    found = states(night)
    assert [found[n] for n in (1, 2, 3, 4, 10)] == [
        "cancelled", "cancelled", "booked", "booked", "booked",
    ]  # fmt: skip
    given_all(night, 28, past=2)
    night.export(*kept)
    assert night.run()["no_longer_there"] == 1
    assert states(night)[4] == "cancelled"


def test_the_days_end_where_an_older_export_ends(night: Night) -> None:
    kept = [at(night, n, 5) for n in range(10, 30)]
    night.export(at(night, 1, 28), at(night, 2, 27), *kept)
    night.run()
    given_all(night, 28)
    night.export(*kept, hours_ago=25)  # of yesterday: it reached until the day before the 28th
    assert night.run()["no_longer_there"] == 1
    assert (states(night)[1], states(night)[2]) == ("booked", "cancelled")


def test_more_than_the_share_stops_that_kind_with_both_counts_and_changes_nothing(
    night: Night,
) -> None:
    """NEW-16; and a move of all of them under new ids is no way around it."""
    night.export(*(at(night, n, 5) for n in range(1, 11)))
    night.run()
    given_all(night, 28)
    path = night.export(*(at(night, n, 5) for n in range(4, 11)), at(night, 11, 6))
    with pytest.raises(SourceRefused, match=r"lacks 3 of the 10 .*most_gone of the source"):
        night.run()
    assert states(night) == dict.fromkeys(range(1, 11), "booked")
    assert path.exists()
    last = night.last()
    assert (last.state, last.code) == ("failed", "import-too-many-gone")
    given_all(night, 28, most=0.5)
    assert night.run() == {"unchanged": 7, "added": 1, "no_longer_there": 3}


def test_a_source_of_changes_alone_has_not_all_of_anything(night: Night) -> None:
    night.export(*(at(night, n, 5) for n in range(1, 11)), name="slots1.csv")
    given_all(night, 28, most=1)
    how = night.settings.sources["emis"].model_copy(update={"take": "numbered"})
    night.settings = night.settings.model_copy(update={"sources": {"emis": how}})
    night.run()
    night.export(at(night, 1, 6), name="slots2.csv")
    assert night.run() == {"moved": 1}
    assert set(states(night).values()) == {"booked"}
