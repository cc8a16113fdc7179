"""NEW-35: a copy for tests and support has synthetic people, and the keys and counts of the record."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.people.operators import Operator
from clinic.personal_data.catalogue import CATALOGUE
from clinic.personal_data.kinds import PERSONAL, Kind
from clinic.personal_data.pseudonymise.copy import LEFT_OUT, pseudonymise
from clinic.personal_data.pseudonymise.values import CODES
from clinic.record.database import Record
from clinic.record.schema import METADATA
from clinic.record.schema.messages import message
from clinic.record.schema.people import patient
from clinic.values.nhs_number import judge_nhs_numbers
from tests.clinic.personal_data.everywhere import MOBILE, NHS, fill_everywhere
from tests.fakes import FakeClock

MIA = Operator("mia", "manager", active=True)
NOT_KEPT = PERSONAL | {Kind.WORDS, Kind.STAFF, Kind.SECRET, Kind.PRACTICE}


def test_no_value_of_anybody_survives_and_keys_and_counts_do(
    record: Record, tmp_path: Path
) -> None:
    """NEW-35: a word in every column; none of a person's, staff's or the practice's own is in the file."""
    everywhere = fill_everywhere(record)
    path = tmp_path / "copy.db"
    counts = pseudonymise(record, FakeClock(), path, by=MIA)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.with_name("copy.db-wal").exists()
    text = path.read_bytes()
    gone = {
        (one, place): word
        for one in (1, 2)
        for place, word in everywhere.of(one).items()
        if _kind(place) in NOT_KEPT and place.partition(".")[2] not in CODES
    }
    assert len(gone) > 150
    assert [place for (_, place), word in gone.items() if word.encode() in text] == []
    assert [one for one in (*NHS.values(), *MOBILE.values()) if one.encode() in text] == []
    copy = Record.open(f"sqlite:///{path}")
    with record.read() as before, copy.read() as after:
        for table in METADATA.sorted_tables:
            if table in LEFT_OUT:
                continue
            keys = list(table.primary_key.columns)
            of_text = [key for key in keys if isinstance(key.type, sa.String)]
            was = before.execute(
                sa.select(*(keys if not of_text else [sa.func.count()])).select_from(table)
            )
            now = after.execute(
                sa.select(*(keys if not of_text else [sa.func.count()])).select_from(table)
            )
            assert sorted(was.all()) == sorted(now.all()), table.name
            assert counts[table.name] == before.scalar(
                sa.select(sa.func.count()).select_from(table)
            )
    copy.close()


def _kind(place: str) -> Kind:
    table, _, column = place.partition(".")
    return CATALOGUE[table].kinds[column]


def test_a_person_is_the_same_made_up_one_everywhere_and_their_days_move_together(
    sqlite_record: Record, tmp_path: Path
) -> None:
    """NEW-35: their number is that of their messages; what was ten days apart is."""
    fill_everywhere(sqlite_record)
    pseudonymise(sqlite_record, FakeClock(), tmp_path / "copy.db", by=MIA)
    copy = Record.open(f"sqlite:///{tmp_path / 'copy.db'}")
    query = sa.select(patient, message.c.address.label("sent_to"), message.c.sent_at).join(
        message, message.c.patient_id == patient.c.id
    )
    with sqlite_record.read() as before, copy.read() as after:
        was = before.execute(query.order_by(patient.c.id)).all()
        now = after.execute(query.order_by(patient.c.id)).all()
    for old, new in zip(was, now, strict=True):
        assert new.sent_to == new.mobile != old.mobile
        assert re.fullmatch(r"\+447700900\d{3,}", new.mobile)
        moved = old.birth_date - new.birth_date
        assert moved.days > 0
        assert old.sent_at - new.sent_at == moved
        assert new.nhs_number.startswith("999")
    judged = judge_nhs_numbers(pd.Series([row.nhs_number for row in now], dtype="str"))
    assert list(judged["fault"]) == ["", ""]
    copy.close()


def test_only_a_manager_makes_one_and_never_over_a_file(
    sqlite_record: Record, tmp_path: Path
) -> None:
    """NEW-35: nothing is written over."""
    there = tmp_path / "there.db"
    there.write_text("mine")
    with pytest.raises(CohortRefused):
        pseudonymise(sqlite_record, FakeClock(), there, by=MIA)
    assert there.read_text() == "mine"
    ann = Operator("ann", "operator", active=True)
    with pytest.raises(NotAllowed):
        pseudonymise(sqlite_record, FakeClock(), tmp_path / "new.db", by=ann)
    assert not (tmp_path / "new.db").exists()
