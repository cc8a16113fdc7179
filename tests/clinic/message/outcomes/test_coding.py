"""NEW-17: a campaign ends in files that a practice can take into EMIS or SystmOne by batch coding."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa

from clinic.errors import MendableError
from clinic.message import states
from clinic.message.outcomes.coding import SUMMARY, Coding, write_coding
from clinic.message.outcomes.save import save_messages
from clinic.practice.people import nhs_numbers
from clinic.record.database import Record
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import clinical_item, consent, patient
from tests.campaigns import Fate, put_campaign
from tests.fakes import FakeClock

FLU = "822851000000102"
ZONE = ZoneInfo("Europe/London")
NUMBERS = [str(number) for number in nhs_numbers(np.arange(1, 502), 501)]
D, U, R, A = states.DELIVERED, states.UNDELIVERED, states.REJECTED, states.ACCEPTED


def campaign_of(record: Record, clock: FakeClock, *fates: str | None, **values: object) -> int:
    """A campaign on the record of patients 1, 2 …, whose messages became that; None: left out."""
    with record.write() as connection:
        people = [
            {
                "id": n,
                "nhs_number": NUMBERS[n - 1],
                "birth_date": date(1980, 1, 1) + timedelta(days=n),
            }
            for n in range(1, len(fates) + 1)
        ]
        connection.execute(sa.insert(patient), people)
    rows = [
        Fate(state=fate, patient_id=n) if fate else Fate("patient_deceased", patient_id=n)
        for n, fate in enumerate(fates, start=1)
    ]
    given = {"snomed_codes": FLU, "released_at": clock.now()} | values
    number = put_campaign(record, clock, rows, **given)  # type: ignore[arg-type]
    with record.write() as connection:
        job = connection.execute(sa.select(campaign)).one()
        save_messages(connection, job, message.c.campaign_id == number, clock.now())
    return number


def coded(record: Record, folder: Path, **values: object) -> Coding:
    given = {"zone": ZONE, "confirmed": ("sms",)} | values
    return write_coding(record, 1, folder, **given)  # type: ignore[arg-type]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_whom_it_reached_is_in_the_codes_file_and_everybody_else_is_counted(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Failed messages are coded for nobody; nor is what no receipt has confirmed yet."""
    campaign_of(record, clock, D, D, U, R, A, None)
    made = coded(record, tmp_path / "coding")
    name = f"{FLU}-2026-03-02-1.csv"
    assert rows_of(tmp_path / "coding" / name) == [
        ["NHS Number", "Date of Birth"], [NUMBERS[0], "02/01/1980"], [NUMBERS[1], "03/01/1980"],
    ]  # fmt: skip
    assert made.left_out == {
        "sending failed": 2, "no delivery receipt yet": 1, "not sent, or not on a patient's record": 1,
    }  # fmt: skip
    assert made.coded + made.left_out.total() == made.rows == 6
    summary = rows_of(tmp_path / "coding" / SUMMARY)
    assert [name, FLU, "02/03/2026", "2"] in summary
    assert ["Left out: sending failed", "", "", "2"] in summary
    assert (tmp_path / "coding" / name).stat().st_mode & 0o077 == 0


def test_without_a_date_of_birth_there_is_no_empty_cell_and_nobody_is_lost(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """An import that asks for two columns refuses an empty one, or finds nobody by it."""
    campaign_of(record, clock, D, D, D)
    with record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 2).values(birth_date=None))
    made = coded(record, tmp_path / "coding")
    assert [(one.name, one.rows) for one in made.files] == [
        (f"{FLU}-2026-03-02-1.csv", 2), (f"{FLU}-2026-03-02-no-birth-date-1.csv", 1),
    ]  # fmt: skip
    known, alone = (rows_of(tmp_path / "coding" / one.name) for one in made.files)
    assert [len(row) for row in known] == [2, 2, 2]
    assert all(cell for row in known for cell in row)
    assert alone == [["NHS Number"], [NUMBERS[1]]]
    assert (made.coded, made.rows) == (3, 3)


def test_where_no_network_confirms_what_left_counts(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    campaign_of(record, clock, A, A)
    assert coded(record, tmp_path / "coding", confirmed=()).coded == 2


def test_a_file_has_250_rows_at_most_and_one_day(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """A campaign of several days is coded with the day on which each message left."""
    campaign_of(sqlite_record, clock, *[D] * 130)
    with sqlite_record.write() as connection:
        later = clock.now() + timedelta(hours=14)  # midnight in UTC, and in London in winter
        last = sa.select(message.c.id).order_by(message.c.id.desc()).limit(30)
        connection.execute(sa.text("DROP TRIGGER IF EXISTS refuse_update_clinical_item"))
        connection.execute(
            sa.update(clinical_item).where(clinical_item.c.id.in_(last)).values(sent_at=later)
        )
    made = coded(sqlite_record, tmp_path / "coding")
    assert [(one.day, one.rows) for one in made.files] == [
        (date(2026, 3, 2), 100), (date(2026, 3, 3), 30),
    ]  # fmt: skip


def test_large_lists_are_cut(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> None:
    campaign_of(sqlite_record, clock, *[D] * 501)
    made = coded(sqlite_record, tmp_path / "coding")
    assert [one.rows for one in made.files] == [250, 250, 1]
    found = {row[0] for one in made.files for row in rows_of(tmp_path / "coding" / one.name)[1:]}
    assert found == set(NUMBERS)


def test_who_opted_out_since_is_in_the_file_of_that_code_by_their_latest_word(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    campaign_of(record, clock, D, D, D, D)
    with record.write() as connection:
        told = [
            (1, "opt_out", "reply", 1), (2, "opt_out", "reply", 1), (2, "opt_in", "staff", 2),
            (3, "opt_out", "import", 1), (4, "opt_out", "reply", -1),
        ]  # fmt: skip
        connection.execute(
            sa.insert(consent),
            [
                {
                    "patient_id": who, "channel": "sms", "purpose": "any", "decision": what,
                    "source": source, "decided_at": clock.now() + timedelta(hours=hours),
                }
                for who, what, source, hours in told
            ],
        )  # fmt: skip
    made = coded(record, tmp_path / "coding")
    assert [(one.code, one.rows) for one in made.files] == [
        (FLU, 4), ("513631000000106", 1), ("699237001", 1),
    ]  # fmt: skip
    assert rows_of(tmp_path / "coding" / "513631000000106-2026-03-02-1.csv")[1][0] == NUMBERS[0]


@pytest.mark.parametrize(
    ("values", "asked", "code"),
    [
        ({"snomed_codes": None}, {}, "coding-no-code"),
        ({"save_to_record": False}, {}, "coding-not-saved"),
        ({}, {"codes": ["123"]}, "snomed-code"),
    ],
)
def test_what_cannot_be_coded_is_told(
    record: Record, clock: FakeClock, tmp_path: Path, values: dict[str, object],
    asked: dict[str, object], code: str,
) -> None:  # fmt: skip
    campaign_of(record, clock, D, **values)
    with pytest.raises(MendableError) as refused:
        coded(record, tmp_path / "coding", **asked)
    assert refused.value.code == code
    assert not (tmp_path / "coding").exists()


def test_a_folder_with_files_is_not_written_into(
    record: Record, clock: FakeClock, tmp_path: Path
) -> None:
    campaign_of(record, clock, D)
    coded(record, tmp_path / "coding")
    with pytest.raises(MendableError, match="coding-folder-used"):
        coded(record, tmp_path / "coding")
