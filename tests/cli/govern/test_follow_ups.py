"""NEW-31: whose follow-ups are listed, however a team or an operator is typed; a slip is told, never nobody."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from clinic.clock import SystemClock
from clinic.message.campaign.campaign import refuse
from clinic.message.recall.unreached import list_unreached
from clinic.record.database import Record
from clinic.settings import Phones, Settings
from tests.cli.conftest import Type
from tests.cli.office import Office, hire
from tests.main_job import Practice


@pytest.mark.parametrize(
    ("team", "listed"),
    [("reception", 2), (" Reception", 2), ("MANAGERS", 0), ("Ann", None), ("recption", None)],
)
def test_a_team_is_known_however_it_is_typed_and_another_word_is_none(
    installed: Record, home: Path, typed: Type, team: str, listed: int | None
) -> None:
    settings = Settings(home=home, operator="nia", phones=Phones(test_range=True))
    practice = Practice(installed, SystemClock(), home, settings=settings)
    practice.patients(2)
    by = date.today() + timedelta(days=9)  # noqa: DTZ011 the command's own clock
    refuse(installed, practice.begin(practice.everybody(2), recall_by=by), "list-refused")
    list_unreached(installed, SystemClock(), settings)
    if team == "Ann":
        office = Office(home, installed)
        hire(office)
        assert office.rows("follow-ups", "--team", team) == []
        return
    found = typed("follow-ups", "--team", team, "--json")
    if listed is None:
        assert found.code == 2
        assert "no team or active operator recption" in found.err
    else:
        assert len(found.json()) == listed
