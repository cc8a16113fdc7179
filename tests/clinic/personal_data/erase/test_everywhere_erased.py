"""NEW-36: a word in every column of every table; an erasure leaves none of one, and all of the other's."""

from __future__ import annotations

import sqlalchemy as sa

from clinic.govern.redact.sealed import Decision
from clinic.personal_data.catalogue import CATALOGUE
from clinic.personal_data.erase.rows import find_rows, take_out
from clinic.personal_data.erase.whom import read_whom
from clinic.personal_data.kinds import Erasure
from clinic.record.database import Record
from clinic.record.schema import METADATA
from tests.clinic.personal_data.everywhere import fill_everywhere

DECISION = Decision(
    redaction_id=1, kind="erasure", of=("erasure", 1), approval_id=1, digest="d", asked_by="ann",
    approved_by="mia", ground="court order 7",
)  # fmt: skip


def contents(record: Record) -> dict[str, str]:
    """Table → all its rows as text."""
    with record.read() as connection:
        return {
            table.name: "\n".join(str(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in METADATA.sorted_tables
        }


def test_no_word_of_theirs_is_left_and_every_word_of_the_other_is(sqlite_record: Record) -> None:
    """NEW-36: made from the schema, so that no new column is forgotten; what stays says why (catalogue)."""
    everywhere = fill_everywhere(sqlite_record)
    before = contents(sqlite_record)
    with sqlite_record.write() as connection:
        # They refuse what no two people decided, which is tried in test_erase.py
        named = sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for name in connection.scalars(named).all():
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
        whom = read_whom(connection, 1)
        take_out(connection, whom, find_rows(connection, whom), DECISION)
    after = contents(sqlite_record)
    left, gone = [], []
    for place, word in everywhere.of(1).items():
        table, _, column = place.partition(".")
        kept = CATALOGUE[table].held[column].erasure is Erasure.KEEP
        if not kept and word in after[table]:
            left.append(place)
    for place, word in everywhere.of(2).items():
        table = place.partition(".")[0]
        if word in before[table] and word not in after[table]:
            gone.append(place)
    assert (left, gone) == ([], [])
