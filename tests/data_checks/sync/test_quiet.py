"""NEW-16: a copy of a FHIR server that nobody brings up to date answers each night, and is found out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from clinic.errors import SourceRefused
from clinic.record.database import Record
from clinic.record.systems.sync_runs import QUIET, SyncRun, last_runs, sources_behind
from clinic.settings import Settings, SourceSettings
from clinic.settings.sync import Sync
from clinic.sources.accepting import accept_stopped
from clinic.sources.checked import Checked, check_source
from clinic.sources.choose import open_source
from clinic.sources.syncing import Step, fetch, import_given
from data_checks.sync.check import check_given
from tests.clinic.sources.fhir.asking import APPOINTMENT, PATIENT, bundle
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.servers.stand_in import Asked, Said, standing_in

STEP = Step("copy", "appointments")
DAY = 86_400


class Copy:
    """A server with one appointment, written when `written` says; None: it does not say."""

    def __init__(self, practice: Practice, url: str, **how: Any) -> None:
        self.practice, self.clock = practice, practice.clock
        self.written: datetime | None = self.clock.now() - timedelta(hours=3)
        source = SourceSettings.model_validate(
            {"type": "fhir", "url": url, "kinds": ["appointments"], "full_days": 30} | how
        )
        self.settings: Settings = practice.settings.model_copy(update={"sources": {"copy": source}})

    def answer(self, asked: Asked) -> Said | None:
        if asked.path == "/fhir/Patient":
            number = PATIENT["identifier"][0] | {"value": nhs(1)}
            return Said(bundle(PATIENT | {"identifier": [number]}))
        since = unquote(asked.query.get("_lastUpdated", ["ge0001"])[0])[2:]
        found = [] if self.written and self.written.isoformat() < since else [self._appointment()]
        return Said(bundle(*found, total=len(found)))

    def _appointment(self) -> dict[str, Any]:
        start = (self.clock.now() + timedelta(days=2)).isoformat()
        meta = {"meta": {"lastUpdated": self.written.isoformat()}} if self.written else {}
        return APPOINTMENT | {"start": start} | meta

    def night(self) -> SyncRun:
        own = (self.practice.record, self.clock, self.settings)
        given = fetch(*own, STEP)
        check_given(*own, given, by="nia")
        import_given(*own, given, by="nia")
        return self.last()

    def last(self) -> SyncRun:
        with self.practice.record.read() as connection:
            return last_runs(connection)[0]

    def behind(self, *, why: bool = True) -> tuple[str, ...]:
        with self.practice.record.read() as connection:
            return sources_behind(connection, self.settings, self.clock.now(), why=why)

    def check(self) -> Checked:
        source = open_source(self.settings, "copy", self.clock)
        (found,) = check_source(self.settings, source, self.clock.now())
        return found


@pytest.fixture
def copy(record: Record, clock: FakeClock, tmp_path: Path) -> Iterator[Copy]:
    made: list[Copy] = []
    with standing_in(lambda asked: made[0].answer(asked)) as there:
        practice = Practice(record, clock, tmp_path)
        practice.patients(1)
        made.append(Copy(practice, there.url))
        yield made[0]


def test_a_copy_that_stopped_is_stopped_before_reminders_rest_on_it(copy: Copy) -> None:
    """It answers with status 200 and the same appointments: by its own count nothing is missing."""
    assert copy.night().state == "imported"
    assert (copy.behind(), copy.check().remark) == ((), "")
    copy.clock.sleep(5 * DAY)
    with pytest.raises(
        SourceRefused, match="Nothing of it was changed there for 123 hours; 5 days may be"
    ):
        copy.night()
    assert copy.last().state == "stopped"
    (said,) = copy.behind()  # so says cohort today
    assert "Is it a copy that nobody brings up to date any more" in said
    (told,) = copy.behind(why=False)  # so says cohort health, which Prefect and webhooks hear
    assert told == "appointments from copy were not imported: sync-stopped"
    assert copy.check().remark.startswith("nothing of it was changed there for 5 days")
    assert not copy.check().problem, "it gives something: a server that does not sort is no fault"


def test_by_changes_alone_it_is_found_out_too(copy: Copy) -> None:
    """Nights without a change give no resource: since when is known from the nights before."""
    first = copy.night()
    states = []
    for _ in range(6):
        copy.clock.sleep(1 * DAY)
        try:
            states.append(copy.night().facts.get(QUIET))
        except SourceRefused:
            states.append(None)
            break
    assert first.facts[QUIET] == 3
    assert states == [27, 51, 75, 99, None], "each night a day more, and stopped after five"
    assert copy.last().whole is False


def test_a_server_that_is_written_or_does_not_say_when_goes_on(copy: Copy) -> None:
    copy.night()
    copy.clock.sleep(5 * DAY)
    copy.written = copy.clock.now() - timedelta(hours=1)
    assert copy.night().facts[QUIET] == 1
    copy.clock.sleep(40 * DAY)
    copy.written = None
    run = copy.night()
    assert run.whole
    assert QUIET not in run.facts
    assert run.state == "imported"


def test_a_person_who_knows_that_nobody_was_at_work_lets_it_pass_once(copy: Copy) -> None:
    copy.written = datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(SourceRefused, match="sources accept copy appointments"):
        copy.night()
    own = (copy.practice.record, copy.clock)
    accept_stopped(*own, "copy", "appointments", "closed for a week", by="nia")
    assert copy.night().state == "imported"


@pytest.mark.parametrize("sync", [Sync(quiet_days=0), Sync(only={"copy": Sync(quiet_days=400)})])
def test_how_long_it_may_be_is_a_setting(copy: Copy, sync: Sync) -> None:
    copy.settings = copy.settings.model_copy(update={"sync": sync})
    copy.written = datetime(2026, 1, 1, tzinfo=UTC)
    assert copy.night().state == "imported"
    assert copy.check().remark == ""
