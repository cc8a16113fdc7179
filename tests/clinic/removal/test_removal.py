"""An installation is removed, and a search shows that nothing of its patients remains."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.messages import batch
from clinic.record.schema.people import patient
from clinic.removal.inventory import is_sending, take_inventory
from clinic.removal.remove import remove, tables_left
from clinic.removal.search import find_marks
from clinic.settings import Settings
from tests.fakes import FakeClock
from tests.ledgers import add_campaign, add_patients


@pytest.fixture
def settings(record: Record, clock: FakeClock, tmp_path: Path) -> Settings:
    """A practice with files in its home and notes outside of it."""
    add_patients(record, 900)
    add_campaign(record, clock, 5)
    add_campaign(record, clock, 5, state=states.COMPLETED)
    url = record.engine.url.render_as_string(hide_password=False)
    settings = Settings(home=tmp_path / "home", record_url=url, notes_folder=tmp_path / "notes")
    for folder in (
        settings.home / "logs",
        settings.notes_folder / take_inventory(record).install_id,
    ):
        folder.mkdir(parents=True)
        (folder / "it").write_text("+447700900009")
    return settings


def test_what_there_is_is_counted_and_known_by_patients_from_all_over_the_record(
    record: Record, settings: Settings
) -> None:
    found = take_inventory(record)
    assert (found.patients, found.messages, found.open_campaigns) == (900, 10, 1)
    assert len(found.marks) > 300
    assert "+447700900900" in found.marks
    assert "07700900900" in found.marks


def test_a_batch_that_a_process_holds_is_seen(
    record: Record, clock: FakeClock, settings: Settings
) -> None:
    assert not is_sending(record, clock.now())
    with record.write() as connection:
        until = clock.now() + timedelta(minutes=1)
        connection.execute(sa.update(batch).values(state=states.LEASED, lease_until=until))
    assert is_sending(record, clock.now())


def test_record_home_and_notes_are_gone_and_nobody_is_found_any_more(
    record: Record, settings: Settings, tmp_path: Path
) -> None:
    found = take_inventory(record)
    config = tmp_path / "cohort.toml"
    config.write_text("")
    (tmp_path / "notes" / "another").mkdir()
    before = find_marks([tmp_path], found.marks)
    assert len(before) >= 2
    record.close()
    remove(settings, found.install_id, config)
    assert find_marks([tmp_path], found.marks) == []
    assert tables_left(settings) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes"]
    assert [path.name for path in (tmp_path / "notes").iterdir()] == ["another"]
    assert remove(settings, found.install_id, config)[1:] == []  # again: nothing more


def test_what_is_left_elsewhere_is_found_in_each_spelling(
    record: Record, settings: Settings, tmp_path: Path
) -> None:
    marks = take_inventory(record).marks
    with record.read() as connection:
        number = connection.scalar(sa.select(patient.c.mobile).where(patient.c.id == 900))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "list.csv").write_text(f"Mobile\n0{number[3:]}\n")
    (elsewhere / "export.csv").write_text(f"Mobile\n{number}\n", encoding="utf-16")
    (elsewhere / "across").write_bytes(b"x" * ((1 << 20) - 5) + number.encode())
    (elsewhere / "harmless").write_text("0800 000 000")
    found = [path.name for path in find_marks([elsewhere, elsewhere / ".."], marks)]
    assert {"across", "export.csv", "list.csv"} <= set(found)
    assert "harmless" not in found
    assert find_marks([elsewhere], []) == []
