"""NEW-40: an export says for what and to whom; the National Data Opt-out binds research alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from typing import Any

import pyrage
import pytest
import sqlalchemy as sa

from clinic.change.export.export import folder_of
from clinic.change.exported import export
from clinic.change.operations import get_operation
from clinic.change.review.wording import what_of
from clinic.change.run.plan import make_plan
from clinic.errors import OperationRefused
from clinic.imports.patients.contact import ContactColumns
from clinic.record.bulk import insert_rows
from clinic.record.database import Record
from clinic.record.schema.change import operation_item
from clinic.record.schema.people import consent
from clinic.settings import Operations, Settings
from tests.clinic.change.export.test_export import noted, read_csv
from tests.clinic.change.practice import asked, practice
from tests.fakes import FakeClock

CSV = {"what": "patients", "format": "csv"}


@pytest.fixture
def home(tmp_path: Any) -> Settings:
    return Settings(home=tmp_path / "home", operations=Operations(chunk_size=2))


def said(record: Record, clock: FakeClock, *rows: tuple[int, str, str, str, int]) -> None:
    """Patient, purpose, channel, decision, days ago."""
    columns = ("patient_id", "purpose", "channel", "decision", "decided_at", "source")
    values = [
        (who, purpose, channel, what, clock.now() - timedelta(days=ago), "import")
        for who, purpose, channel, what, ago in rows
    ]
    with record.write() as connection:
        insert_rows(connection, consent, columns, values)


def planned(record: Record, clock: FakeClock, home: Settings, purpose: str) -> Counter[str]:
    number = asked(
        record, clock, "export", CSV | {"purpose": purpose}, range(1, 7), settings=home, key=purpose
    )
    make_plan(record, clock, home, number)
    with record.read() as connection:
        query = sa.select(operation_item.c.outcome).where(operation_item.c.operation_id == number)
        return Counter(connection.scalars(query))


def test_the_national_opt_out_is_applied_and_counted_under_research_alone(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """The latest word counts; an objection to research here counts too, one to texts does not."""
    practice(record)
    said(
        record, clock,
        (1, "national_opt_out", "any", "opt_out", 3),
        (2, "national_opt_out", "any", "opt_out", 3), (2, "national_opt_out", "any", "opt_in", 1),
        (3, "research", "sms", "opt_out", 2),
        (4, "any", "any", "opt_out", 2),
        (5, "any", "sms", "opt_out", 2),
    )  # fmt: skip
    research = planned(record, clock, home, "research")
    assert research == {"national_opt_out": 1, "research_objection": 2, "will_change": 3}
    assert planned(record, clock, home, "administration") == {"will_change": 6}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"purpose": ""}, "export-purpose"),
        ({"purpose": "newsletter"}, "export-purpose"),
        ({"recipient": " "}, "export-recipient"),
        ({"recipient": "a\nb" * 200}, "export-recipient"),
        ({"encrypt_to": ["age1nonsense"]}, "export-key"),
        ({"encrypt_to": [str(pyrage.x25519.Identity.generate())]}, "export-key"),
    ],
)
def test_what_for_and_whom_are_asked_and_a_key_is_looked_at(
    sqlite_record: Record, clock: FakeClock, home: Settings, change: dict[str, Any], code: str
) -> None:
    practice(sqlite_record)
    with pytest.raises(OperationRefused, match=code) as refused:
        asked(sqlite_record, clock, "export", CSV | change, [1], settings=home)
    assert ("secret key" in refused.value.says) == ("SECRET" in str(change))
    assert "AGE-SECRET-KEY-1" not in refused.value.says


def test_an_encrypted_export_opens_with_its_readers_key_alone(
    record: Record, clock: FakeClock, home: Settings
) -> None:
    """Nothing of it stays in clear on the disk, and what is sealed is what is handed over."""
    practice(record)
    mine, other = (pyrage.x25519.Identity.generate() for _ in range(2))
    how = {"recipient": "ICB, contracts", "encrypt_to": [str(mine.to_public())]}
    number = asked(record, clock, "export", CSV | how, range(1, 7), settings=home)
    noted(record, clock, home, number)
    written = export(record, clock, home, number)
    path = folder_of(home) / written.name
    assert written.name == f"export-{number}.csv.age"
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [one.name for one in folder_of(home).iterdir()] == [written.name]
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"NHS Number" not in path.read_bytes()
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(path.read_bytes(), [other])
    plain = path.with_name("plain.csv")
    plain.write_bytes(pyrage.decrypt(path.read_bytes(), [mine]))
    assert len(read_csv(plain)) == 6
    with record.read() as connection:
        told = what_of(connection, get_operation(record, number))
    assert "encrypted to 1 key(s); to ICB, contracts, for administration" in told


def test_columns_about_the_use_of_data_are_no_word_against_messages() -> None:
    """It was taken for an opt-out of messages, and patients for a recall were left out."""
    columns = ContactColumns.of(
        ["National Data Opt-out", "NDOO", "Type 1 opt out", "SMS opt out", "National Insurance"]
    )
    assert columns.national == ("National Data Opt-out", "NDOO", "Type 1 opt out")
    assert columns.declining == {"SMS opt out": ("sms",)}
