"""NEW-17: a person ends a campaign in files for batch coding, by one command."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from clinic.message import states
from clinic.message.outcomes.save import save_messages
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from tests.campaigns import Fate, put_campaign, put_patient
from tests.cli.conftest import Type
from tests.fakes import FakeClock
from tests.main_job import nhs

FLU = "822851000000102"


def cells(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_whom_it_reached_is_in_a_file_a_code_and_the_screen_says_who_is_left_out(
    typed: Type, installed: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-17: failed messages, and whom none was sent, are in no file."""
    for n in (1, 2, 3):
        put_patient(installed, n, nhs_number=nhs(n), local_id=f"E{n}", birth_date=date(1950, 2, n))
    fates = [
        Fate(state=states.DELIVERED, patient_id=1),
        Fate(state=states.REJECTED, patient_id=2),
        Fate("opted_out", patient_id=3),
    ]
    number = put_campaign(installed, clock, fates, snomed_codes=FLU, released_at=clock.now())
    with installed.write() as connection:
        job = connection.execute(sa.select(campaign)).one()
        saved = save_messages(connection, job, message.c.campaign_id == number, clock.now())
    assert saved == 2
    folder = tmp_path / "coding"
    told = typed("outcomes", str(number), "--for-coding", str(folder))
    assert told.code == 0
    ((name, code, _, count),) = told.rows()
    assert (code, count) == (FLU, "1")
    assert cells(folder / name) == [["NHS Number", "Date of Birth"], [nhs(1), "01/02/1950"]]
    assert "1 of 3 rows of the list are coded; left out: " in told.err
    again = typed("outcomes", str(number), "--for-coding", str(folder))
    assert (again.code, again.out) == (2, "")  # what somebody may have taken in is not overwritten
    assert typed("outcomes", str(number)).code == 2
