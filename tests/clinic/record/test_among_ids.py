"""What is known of some patients is read by their ids, or the whole of a small table, on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from clinic.message.eligibility.held import held
from clinic.message.eligibility.safe_contact import read_safe_contact
from clinic.message.needs.judge import read_needs
from clinic.record.bulk import among_ids
from clinic.record.database import Record
from clinic.record.schema.clinical import patient_need
from clinic.record.schema.receipts import contact_hold, reply
from clinic.record.schema.safety import safe_contact
from clinic.settings import Needs
from tests.fakes import FakeClock
from tests.main_job import Practice

# Asked of two, the table of three is looked up; asked of four, it is read whole
ASKED = ([1, 4], [1, 4, 5, 6])


@pytest.fixture
def practice(
    record: Record, clock: FakeClock, tmp_path_factory: pytest.TempPathFactory
) -> Practice:
    practice = Practice(record, clock, tmp_path_factory.mktemp("practice"))
    practice.patients(6)
    return practice


def need(practice: Practice, n: int) -> dict[str, Any]:
    now = practice.clock.now()
    return {"patient_id": n, "language": f"tongue {n}", "set_by": "nia", "set_at": now}


@pytest.mark.parametrize(("ids", "read"), [([1, 4], [1]), ([1, 4, 5, 6], [1, 2, 3]), ([], [])])
def test_a_small_table_is_read_whole(practice: Practice, ids: list[int], read: list[int]) -> None:
    own = patient_need.c.patient_id
    with practice.record.write() as connection:
        rows = [need(practice, n) for n in (1, 2, 3)]
        connection.execute(sa.insert(patient_need), rows)
        query = among_ids(connection, sa.select(own), own, pd.Series(ids, dtype="Int64"))
        assert sorted(connection.scalars(query)) == read


@pytest.mark.parametrize("ids", ASKED)
def test_what_is_known_of_others_says_nothing(practice: Practice, ids: list[int]) -> None:
    asked = pd.Series(ids, range(10, 10 + len(ids)), dtype="Int64")
    facts = pd.DataFrame({"patient_id": asked, "address": ""}, index=asked.index)
    now = practice.clock.now()
    with practice.record.write() as connection:
        for n in (1, 2, 3):
            connection.execute(sa.insert(patient_need), need(practice, n))
            connection.execute(
                sa.insert(safe_contact).values(
                    patient_id=n, sms=False, email=True, voice=True, number=f"0770090000{n}",
                    reason="asked", source="staff", set_by="nia", set_at=now,
                )
            )  # fmt: skip
            connection.execute(
                sa.insert(contact_hold).values(
                    reply_id=_reply(connection, n, now), why="death", channel="sms", address=f"+4477{n}",
                    patient_id=n, held_at=now,
                )
            )  # fmt: skip
        prefers = pd.Series(None, asked.index, dtype=object)
        needs = read_needs(connection, asked, prefers, channel="sms", needs=Needs())
        safe = read_safe_contact(connection, asked, "sms", ())
        holds = held(connection, facts)
    assert needs["language"].to_dict() == {1: "tongue 1"}
    assert safe["restricted"].tolist() == [n == 1 for n in ids]
    assert safe["number"].tolist() == ["07700900001" if n == 1 else "" for n in ids]
    assert [bool(one) for one in holds] == [n == 1 for n in ids]


def _reply(connection: sa.Connection, n: int, now: datetime) -> int:
    return int(
        connection.execute(
            sa.insert(reply)
            .values(
                gateway="g", event_id=f"e{n}", channel="sms", address=f"+4477{n}", text="she died",
                happened_at=now, received_at=now, marks="death",
            )
            .returning(reply.c.id)
        ).scalar_one()
    )  # fmt: skip
