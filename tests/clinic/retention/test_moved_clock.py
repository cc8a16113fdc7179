"""The clock goes on by 8, 31, 91 days, 25 months, 9 years: exactly what is due goes, and counts add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.errors import ListRefused, NotAllowed
from clinic.gateway.outbox import read_outbox
from clinic.govern.approvals.deciding import Judged, decide
from clinic.govern.audit.trail import verify
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import Role
from clinic.message.campaign.campaign import get_campaign
from clinic.message.prepare.resend import begin_resend
from clinic.record.database import Record
from clinic.record.schema.govern import REMOVED
from clinic.record.schema.lists import list_row
from clinic.record.schema.messages import message, recipient
from clinic.retention.copies.list_rows import due_lists, empty_list
from clinic.retention.decided import CLASSES, ask, carry_out
from clinic.retention.holds import lift_hold, list_holds, place_hold
from clinic.retention.night import plan
from clinic.retention.stubs import list_stubs
from tests.clinic.retention.kept import Kept
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.staff import add_staff

SECRET = "a long secret of nobody"
RECORDS = dict.fromkeys(CLASSES, 0)


@pytest.fixture
def kept(record: Record, clock: FakeClock, tmp_path: Path) -> Kept:
    return Kept(Practice(record, clock, tmp_path), clock)


def test_exactly_what_is_due_goes_and_every_count_stays(kept: Kept) -> None:
    """NEW-39: at 6 days nothing, then class by class; the plan says beforehand what the night does."""
    before = kept.counts()
    kept.later(days=6)
    assert kept.due() == {"lists": 0, "outbox": 0, "files": 0, **RECORDS}
    assert kept.night() == {"lists": 0, "outbox": 0, "files": 0}

    kept.later(days=8)  # refused, and looked at and never confirmed
    assert kept.due() == {"lists": 2, "outbox": 0, "files": 0, **RECORDS}
    assert kept.night() == {"lists": 2, "outbox": 0, "files": 0}
    assert (kept.cells(1)[0], kept.cells(2), kept.cells(3)) == ([nhs(1), "07700900001"], [[]], [[]])

    kept.later(days=31)
    assert kept.due() == {"lists": 0, "outbox": 1, "files": 2, **RECORDS}
    assert kept.night() == {"lists": 0, "outbox": 5, "files": 2}
    assert (kept.files(), read_outbox(kept.record)) == ({"record.db"}, [])

    kept.later(days=91)
    assert kept.due() == {"lists": 1, "outbox": 0, "files": 1, **RECORDS}
    assert kept.night() == {"lists": 1, "outbox": 0, "files": 1}
    assert kept.cells(1) == [[]] * 6
    with kept.record.read() as connection:
        assert set(connection.scalars(sa.select(recipient.c.address))) == {None}
        texts = connection.scalars(sa.select(message.c.body)).all()
    assert texts == ["Hello, your review is due."] * 5  # on the record: not by the clock

    kept.later(days=760)  # 25 months
    assert set(kept.due().values()) == {0}
    kept.later(days=9 * 366)
    due = kept.due()
    assert {one: due[one] for one in ("lists", "outbox", "files", "replies", "messages")} == {
        "lists": 0, "outbox": 0, "files": 0, "replies": 2, "messages": 5,
    }  # fmt: skip
    assert kept.night() == {"lists": 0, "outbox": 0, "files": 0}
    assert kept.replies() == ["I have moved", "Thank you"]  # a record: two people decide

    assert kept.counts() == before
    stubs = [
        (stub.what, stub.subject_id, stub.count)
        for stub in reversed(list_stubs(kept.record, limit=9))
    ]
    assert stubs == [
        ("lists", 2, 1), ("lists", 3, 1), ("outbox", 1, 5), ("files", None, 9), ("files", 1, 9),
        ("lists", 1, 6), ("files", None, 9),
    ]  # fmt: skip
    assert verify(kept.record, None).holds


def test_nothing_of_what_is_held_goes_until_it_is_lifted(kept: Kept) -> None:
    """NEW-39: a held patient's rows, messages, replies and files stay; everybody else's go."""
    one = place_hold(kept.record, kept.clock, "patient", 1, reason="an inquiry", by="mia")
    kept.later(days=91)
    assert kept.night() == {"lists": 3, "outbox": 4, "files": 2}
    assert kept.cells(1) == [[nhs(1), "07700900001"], *[[]] * 5]
    assert kept.cells(2) == [[nhs(1)]]  # refused before anybody was matched: by the number in it
    assert [one.to for one in read_outbox(kept.record)] == ["+447700900001"]
    assert kept.files() == {"campaign-1.csv"}
    assert kept.night() == {
        "lists": 2,
        "outbox": 0,
        "files": 0,
    }  # looked at again, and nothing is there to go
    kept.later(days=9 * 366)
    assert kept.due()["replies"] == 1

    assert lift_hold(kept.record, kept.clock, one, by="mia").subject_id == 1
    assert kept.night() == {"lists": 2, "outbox": 1, "files": 1}
    assert (kept.cells(1), kept.cells(2), kept.due()["replies"]) == ([[]] * 6, [[]], 2)
    assert list_holds(kept.record) == []
    assert verify(kept.record, None).holds


@pytest.mark.parametrize("subject", ["campaign", "list"])
def test_a_held_campaign_or_list_is_kept_whole(kept: Kept, subject: Any) -> None:
    """NEW-39."""
    place_hold(kept.record, kept.clock, subject, 1, reason="a complaint", by="mia")
    kept.later(days=91)
    found = {
        one.what: (one.things, one.held)
        for one in plan(kept.record, kept.practice.settings, kept.clock.now())
    }
    assert (found["lists"], found["outbox"], found["files"]) == ((2, 1), (0, 5), (2, 1))
    assert kept.night() == {"lists": 2, "outbox": 0, "files": 2}
    assert kept.cells(1)[0] == [nhs(1), "07700900001"]
    assert (len(read_outbox(kept.record)), kept.files()) == (5, {"campaign-1.csv"})


def test_a_night_that_was_killed_goes_on_in_the_next(kept: Kept) -> None:
    """NEW-39: a block is a transaction; what is half empty is due until it is empty."""
    kept.later(days=91)
    with kept.record.read() as connection:
        (own,) = (one for one in due_lists(connection, kept.clock.now(), kept.practice.settings.retention)
                  if one.id == 1)  # fmt: skip
    with kept.record.write() as connection:  # as if it had died after its first row
        connection.execute(
            sa.update(list_row)
            .where(list_row.c.list_id == 1, list_row.c.row_number == 2)
            .values(cells="[]")
        )
    assert empty_list(kept.record, kept.clock, own, block=2) == 5
    assert kept.cells(1) == [[]] * 6
    assert kept.night()["lists"] == 2


def test_a_list_whose_rows_are_gone_is_neither_sent_nor_sent_again(kept: Kept) -> None:
    """NEW-39: nobody gets a text from a list of which nothing is left; it says so, and what to do."""
    kept.later(days=91)
    kept.night()
    with pytest.raises(ListRefused, match="list-rows-gone"):
        kept.practice.begin({"list_id": 1}, request_key="later")
    with kept.record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.row_number == 2).values(state="undelivered")
        )
    with pytest.raises(ListRefused, match="list-rows-gone"):
        begin_resend(
            kept.record, kept.clock, kept.practice.settings, 1, request_key="again", gateway="fake",
            batch_limit=9,
        )  # fmt: skip
    with kept.record.read() as connection:
        assert (get_campaign(connection, 3).state, get_campaign(connection, 3).state_reason) == (
            "refused", "not-confirmed",
        )  # fmt: skip


def test_records_go_when_two_people_decided_exactly_that(kept: Kept) -> None:
    """NEW-39: the requester alone does nothing; a hold that is placed meanwhile makes the decision void."""
    staff: dict[str, Role] = {"root": "admin", "mia": "manager", "max": "manager"}
    add_staff(kept.record, kept.clock, staff, secret=SECRET)
    mia, late = Operator("mia", "manager", active=True), Operator("max", "manager", active=True)
    settings = kept.practice.settings
    kept.later(days=8 * 365)
    with pytest.raises(NotAllowed, match="retention-nothing"):
        ask(kept.record, kept.clock, settings, "replies", by=mia, reason="over")
    kept.later(days=9 * 366)
    with pytest.raises(NotAllowed, match="approval-none"):
        carry_out(kept.record, kept.clock, settings, "replies")

    def decided() -> None:
        number = ask(
            kept.record, kept.clock, settings, "replies", by=mia, reason="their time is over"
        )
        with pytest.raises(NotAllowed, match="approval-own"):
            decide(
                kept.record,
                kept.clock,
                number,
                operator=mia,
                decision="approved",
                note="",
                checklist=_fine,
            )
        decide(
            kept.record,
            kept.clock,
            number,
            operator=late,
            decision="approved",
            note="",
            checklist=_fine,
        )

    decided()
    held = place_hold(kept.record, kept.clock, "patient", 1, reason="a claim", by="mia")
    with pytest.raises(NotAllowed, match="approval-"):
        carry_out(kept.record, kept.clock, settings, "replies")
    decided()
    assert carry_out(kept.record, kept.clock, settings, "replies") == 1
    assert kept.replies() == ["I have moved", REMOVED]
    lift_hold(kept.record, kept.clock, held, by="mia")
    decided()
    assert carry_out(kept.record, kept.clock, settings, "replies") == 1
    assert kept.replies() == [REMOVED, REMOVED]
    assert verify(kept.record, None).holds


def _fine(*_: object) -> Judged:
    return Judged()
