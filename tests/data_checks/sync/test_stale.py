"""NEW-16: nobody is reminded by what is older than a setting, until a named person says yes."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused
from clinic.health.facts import Facts, PrefectFacts, RecordFacts
from clinic.health.judge import judge
from clinic.message.template.catalogue import seed_catalogue
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act
from clinic.record.systems.sync_runs import sources_behind
from clinic.settings import Settings
from tests.data_checks.sync.evening import book, imported, night, settings
from tests.fakes import FakeClock
from tests.main_job import Practice


@pytest.fixture
def practice(record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    made = Practice(record, clock, tmp_path)
    made.patients(2)
    seed_catalogue(record, clock, TEMPLATES)
    return made


def test_fresh_appointments_and_opt_outs_are_reminded_by(practice: Practice) -> None:
    book(practice)
    imported(practice, "appointments", hours_ago=23)
    imported(practice, "consents", hours_ago=1)
    assert night(practice, settings(practice)).startswith("pass")


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        ({"appointments": 25.0, "consents": 1.0}, "appointments of emis are 25 hours old"),
        ({"appointments": 1.0, "consents": 30.0}, "opt-outs of emis are 30 hours old"),
        ({"consents": 1.0}, "appointments of emis were never imported"),
    ],
)
def test_what_is_too_old_stops_the_evening_and_says_what_to_do(
    practice: Practice, hours: dict[str, float], says: str
) -> None:
    book(practice)
    for kind, ago in hours.items():
        imported(practice, kind, hours_ago=ago)
    with pytest.raises(CohortRefused, match=f"{says}.*sync.reminder_hours.*stale_sources=REASON"):
        night(practice, settings(practice))


def test_an_evening_of_nobody_is_told_that_nothing_came(practice: Practice) -> None:
    """An import that never ran brings no appointments: an empty list would look like a quiet night."""
    with pytest.raises(CohortRefused, match="never imported"):
        night(practice, settings(practice))


def test_an_import_that_a_check_stopped_makes_nothing_fresh(practice: Practice) -> None:
    book(practice)
    imported(practice, "consents", hours_ago=1)
    imported(practice, "appointments", hours_ago=30)
    imported(practice, "appointments", hours_ago=1, state="stopped")
    with pytest.raises(CohortRefused, match="30 hours old"):
        night(practice, settings(practice))


def test_a_named_person_says_yes_on_the_trail_and_the_next_evening_asks_again(
    practice: Practice,
) -> None:
    book(practice)
    yes = {"stale_sources": "Nothing was moved today: the clinic is closed"}
    assert "stale_sources" in night(practice, settings(practice), accept=yes)
    with practice.record.read() as connection:
        acts = connection.scalars(sa.select(audit_act.c.operation_type)).all()
    assert "safety.accepted" in acts
    with pytest.raises(CohortRefused):
        night(practice, settings(practice), key="tomorrow")


def test_any_age_will_do_where_it_is_set_so_and_where_there_is_no_source(
    practice: Practice,
) -> None:
    book(practice)
    assert night(practice, settings(practice, hours=0)).startswith("pass")
    assert night(practice, practice.settings, key="other").startswith("pass")


def behind(practice: Practice, given: Settings) -> tuple[str, ...]:
    with practice.record.read() as connection:
        return sources_behind(connection, given, practice.clock.now())


def test_what_was_not_imported_or_is_too_old_is_told_where_people_look(practice: Practice) -> None:
    """NEW-16: `cohort health` and `cohort today` name the source, the kind and why."""
    given = settings(practice)
    imported(practice, "appointments", hours_ago=30)
    imported(practice, "consents", hours_ago=1)
    assert behind(practice, given) == ("appointments from emis are 30 hours old",)
    facts = RecordFacts(sources=behind(practice, given))
    found = judge(Facts(practice.clock.now(), facts, PrefectFacts()), given.health)
    assert ("source-behind", "alarm") in [(one.code, one.level) for one in found]
    imported(practice, "appointments", hours_ago=1, state="stopped")
    assert behind(practice, given) == ("appointments from emis were not imported: stopped",)
    imported(practice, "appointments", hours_ago=1)
    assert behind(practice, given) == ()
    assert behind(practice, practice.settings) == ()


def test_a_folder_that_has_nothing_new_the_same_day_is_no_news(practice: Practice) -> None:
    given = settings(practice)
    imported(practice, "appointments", hours_ago=3)
    imported(practice, "appointments", hours_ago=1, state="failed", code="source-no-file")
    assert behind(practice, given) == ()
    practice.clock.sleep(25 * 3600)  # type: ignore[attr-defined]  # a clock of tests
    (why,) = behind(practice, given)
    assert "source-no-file" in why
