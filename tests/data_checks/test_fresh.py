"""NEW-29: a list is of a day, and an old one stops unless a named person says yes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.cohort.as_of import AsOf, Dating, dating_of, read_as_of
from clinic.cohort.import_list import take_in_ids
from clinic.errors import CohortRefused, ListRefused
from clinic.govern.audit.trail import verify
from clinic.message.campaign.said import said_of
from clinic.practice.groups import add_to_group
from clinic.record.database import Record
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.people import group_member, patient
from clinic.settings import Settings
from data_checks.gate.fresh import ages, fresh
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TODAY = NOW.date()


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("flu-2026-11-03", "2026-11-03"),
        ("Flu 3 Nov 2026", "2026-11-03"),
        ("export_20261103", "2026-11-03"),
        ("export_20261103120501", "2026-11-03"),
        ("smears 03.11.2026 (2)", "2026-11-03"),
        ("flu_2026_11_03", "2026-11-03"),
        ("flu_03_11_2026_v2", "2026-11-03"),
        ("flu 03112026", "2026-11-03"),
        ("flu-3-11-26", "2026-11-03"),
        ("flu 03NOV26", "2026-11-03"),
        ("Flu 3rd Nov 26 (final)", "2026-11-03"),
        ("flu 2026-11-03T0915", "2026-11-03"),
        ("from 1 Oct 2026 to 3 Nov 2026", "2026-11-03"),
        ("Not seen since 01.01.2025", None),
        ("Born before 1 Sep 2010", None),
        ("smears not seen since 1 Jan 2024, run 3 Nov 2026", "2026-11-03"),
        ("flu 2025-26", None),
        ("recall 65-74", None),
        ("group 20 may", None),
        ("flu clinic 2026-12-12", None),  # the clinic's day, not the list's
        ("Flu 2026", None),
        ("list 7", None),
    ],
)
def test_a_files_name_tells_its_day(tmp_path: Path, name: str, day: str | None) -> None:
    """NEW-29: else when it last changed does, by the clock that says so."""
    path = tmp_path / f"{name}.csv"
    path.touch()
    found = Dating().of_file(path, NOW)
    assert found == (AsOf(date.fromisoformat(day), "name") if day else AsOf(TODAY, "file"))


@pytest.mark.parametrize(("country", "day"), [("GB", date(2026, 3, 11)), ("US", date(2026, 11, 3))])
def test_days_and_months_stand_as_the_country_writes_them(
    tmp_path: Path, country: str, day: date
) -> None:
    """NEW-29: in a file's name, and in a column that does not prove it."""
    path = tmp_path / "flu 11-03-2026.csv"
    path.touch()
    dating = dating_of(Settings(hours={"country": country}))  # type: ignore[arg-type]
    assert dating.of_file(path, NOW) == AsOf(day, "name")
    assert dating.oldest(["11/03/2026"], NOW) == AsOf(day, "column")
    assert dating.oldest(["11/03/2026 08:00", "11/14/2026 08:00"], NOW) == AsOf(
        date(2026, 11, 3), "column"
    )
    assert dating.oldest(["11/03/2026", "14/11/2026"], NOW) == AsOf(date(2026, 3, 11), "column")


def test_an_old_file_is_as_old_as_it_is_and_whoever_knows_better_says_so(tmp_path: Path) -> None:
    """NEW-29: what was given wins, and may not be of the future."""
    path = tmp_path / "list.csv"
    path.touch()
    age_file(path, days=40)
    assert Dating().of_file(path, NOW) == AsOf(TODAY - timedelta(days=40), "file")
    assert Dating(TODAY).of_file(path, NOW) == AsOf(TODAY, "given")
    with pytest.raises(ListRefused, match="28 Nov 2026"):
        Dating(TODAY + timedelta(days=1)).of_file(path, NOW)


@pytest.mark.parametrize(
    ("heading", "named", "found"),
    [
        ("Extracted on", (), True), ("As at", (), True), ("Report run date", (), True),
        ("DATE_EXPORTED", (), True), ("Run Date", (), True),
        ("Stand", ("stand",), True), ("Stand", (), False), ("Clinic date", (), False),
        ("Exported to", (), False), ("Class of", (), False),
    ],
)  # fmt: skip
def test_a_column_that_says_it(heading: str, named: tuple[str, ...], found: bool) -> None:
    assert (Dating(columns=named).column_in(["NHS Number", heading]) == heading) is found


def test_a_column_is_as_old_as_its_oldest_day() -> None:
    texts = ["03/11/2026", "2026-10-30 08:00", "12 Dec 2026", "soon"]
    assert Dating().oldest(texts, NOW) == AsOf(date(2026, 10, 30), "column")
    assert Dating().oldest(["", "12 Dec 2026"], NOW) is None


@pytest.mark.parametrize(
    ("days", "most", "passes"), [(14, 14, True), (15, 14, False), (90, 0, True), (2, 1, False)]
)
def test_how_old_a_list_may_be_is_a_setting(days: int, most: int, passes: bool) -> None:
    """NEW-29: at the day its messages begin to leave; and a remark where the last of them leave later."""
    own = AsOf(TODAY - timedelta(days=days), "file")
    assert fresh(own, begins=TODAY, most=most).passed is passes
    last = ages(own, ends=TODAY + timedelta(days=30), most=most)
    assert (last is None) is (most == 0)
    assert last is None or not last.stops


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(3)
    return made


def age_file(path: Path, *, days: float) -> None:
    """As if it had last been changed so many days ago."""
    then = path.stat().st_mtime - days * 86_400
    os.utime(path, (then, then))


def _old_file(practice: Practice) -> dict[str, Any]:
    path = practice.everybody(3)
    age_file(path, days=15)
    return {"file": str(path)}


def _dated_file(practice: Practice) -> dict[str, Any]:
    rows = (f"{nhs(n)},{day}" for n, day in enumerate(("10/02/2026", "01/03/2026"), start=1))
    return {"file": str(practice.file(*rows, heading="NHS Number,Extracted on"))}


def _old_list(practice: Practice) -> dict[str, Any]:
    key = take_in_ids(
        practice.record, practice.clock, [nhs(1)], request_key="ids", name="Ids", taken_by="nia"
    )
    return {"list_id": key}


def _group(practice: Practice) -> dict[str, Any]:
    add_to_group(
        practice.record, practice.clock, "walkers", [nhs(1), nhs(2)], by="nia", name="Walkers"
    )
    return {"group": "walkers"}  # fmt: skip


def _kept(practice: Practice) -> dict[str, Any]:
    """A list of an earlier campaign, by its number."""
    practice.begin(practice.everybody(3), request_key="earlier", dry_run=True)
    with practice.record.read() as connection:
        return {"list_id": connection.scalars(sa.select(cohort_list.c.id)).one()}


@pytest.mark.parametrize(
    ("make", "waits", "leads_on"),
    [
        (_old_file, 0, "export it again.*--as-of DAY"),
        (_dated_file, 0, "export it again"),
        (_old_list, 15, "make the list again"),
        (_kept, 15, "send a new export, and not the list by its number"),
        (_group, 15, "bring its members up to date: cohort groups add"),
    ],
)
def test_an_old_list_stops_until_a_named_person_says_yes(
    practice: Practice, make: Callable[[Practice], dict[str, Any]], waits: int, leads_on: str
) -> None:
    """NEW-29: whatever it comes from; who said yes is on the trail, and its day is told."""
    cohort = make(practice)
    assert isinstance(practice.clock, FakeClock)
    practice.clock.sleep(waits * 86_400)
    with pytest.raises(
        CohortRefused, match=r"days old.*14 may be.*--accept stale_list=REASON"
    ) as told:
        practice.check(practice.begin(cohort))
    assert re.search(leads_on, str(told.value))
    assert ("--as-of" in str(told.value)) is ("file" in cohort)
    accept = {"stale_list": "Nothing was given since: the clinic was closed"}
    number = practice.begin(cohort, request_key="two", accept=accept, requested_by="nia")
    practice.check(number)
    with practice.record.read() as connection:
        said = [one.code for one in said_of(connection, number)]
    assert verify(practice.record, None).first_fault is None
    assert said == ["stale_list", "accepted"]


def test_a_fresh_list_passes_and_one_for_a_far_start_does_not(practice: Practice) -> None:
    """NEW-29: it is as old as it will be when its messages leave."""
    practice.check(practice.begin(practice.everybody(3), stagger_days=30))
    with practice.record.read() as connection:
        assert [one.code for one in said_of(connection, 1)] == ["list_ages"]
        key = connection.scalars(sa.select(cohort_list.c.id)).one()
        assert read_as_of(connection, key) == AsOf(practice.clock.now().date(), "file")
    later = practice.clock.now() + timedelta(days=15)
    with pytest.raises(CohortRefused, match="15 days old"):
        practice.check(practice.begin(practice.everybody(2), request_key="two", start_at=later))


def test_a_list_is_of_the_day_that_is_given(practice: Practice) -> None:
    """NEW-29: --as-of, in a run as_of: also where the file's own clock is wrong."""
    cohort = _old_file(practice) | {"as_of": practice.clock.now().date()}
    practice.check(practice.begin(cohort))


@pytest.mark.parametrize("source", ["filter", "group"])
def test_who_no_longer_matches_when_the_message_leaves_gets_none(
    practice: Practice, source: str
) -> None:
    """NEW-29: the cohort of a filter or a group is read again; who matches since is not added."""
    cohort = _group(practice) if source == "group" else {"status": "active"}
    number = practice.begin(cohort)
    practice.check(number)
    practice.stage(number)
    with practice.record.write() as connection:
        if source == "group":
            connection.execute(sa.delete(group_member).where(group_member.c.patient_id == 1))
        else:
            connection.execute(sa.update(patient).where(patient.c.id == 1).values(status="on_hold"))
    assert practice.left_out(number, practice.clock.now()) == {1: "cohort_left"}


def test_where_nobody_is_left_of_a_group_nobody_is_messaged(practice: Practice) -> None:
    """NEW-29: a group that was deleted has no members."""
    number = practice.begin(_group(practice))
    practice.check(number)
    practice.stage(number)
    with practice.record.write() as connection:
        connection.execute(sa.delete(group_member))
        connection.execute(sa.text("DELETE FROM patient_group"))
    gone = practice.left_out(number, practice.clock.now())
    assert gone == dict.fromkeys((1, 2), "cohort_left")
