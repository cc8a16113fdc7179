"""What a bulk discharge takes from patients, and a reason that is only silence, as seen by whoever decides."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from clinic.change.operations import Request, get_operation, request_operation
from clinic.change.review.checklist import checks_of
from clinic.change.review.deciding import judge
from clinic.change.review.impact import impact_of
from clinic.change.review.losses import Loss, read_losses
from clinic.change.review.silence import is_silence_on_one_channel
from clinic.errors import NotAllowed
from clinic.message import states
from clinic.record.database import Record
from clinic.record.schema.lists import template, template_audience
from clinic.record.schema.messages import campaign
from clinic.record.schema.people import group_member, patient_group
from clinic.record.schema.recall import recall, recall_task
from clinic.settings import Silence
from tests.campaigns import Fate, put_campaign
from tests.clinic.change.practice import SETTINGS, VISIT, asked, practice, reviewed, visits
from tests.clinic.change.review.test_deciding import approve
from tests.fakes import FakeClock
from tests.selections import select_ids

# reason, whether somebody must look a second time
REASONS = [
    ("No reply to text", True),
    ("did not respond to SMS of 3 May", True),
    ("Three e-mails unanswered", True),
    ("Hasn’t answered our letter", True),
    ("Non-responders", True),
    ("Rang twice, no answer", True),
    ("Dim ateb i'r neges destun", True),
    ("ddim wedi ymateb", True),
    ("No reply to text, letter or phone call", False),
    ("No answer to SMS or e-mail", False),
    ("Moved to Cardiff, no reply to text", False),
    ("No response by text; GP agreed after a home visit", False),
    ("Facility F1 closes", False),
    ("Patients asked us by text to leave", False),
    ("Wedi symud, dim ateb", False),
    ("Course completed", False),
]


@pytest.mark.parametrize(("reason", "second_look"), REASONS)
def test_silence_on_one_channel_is_told_from_other_reasons(reason: str, second_look: bool) -> None:
    assert is_silence_on_one_channel(reason) is second_look


def test_a_practice_adds_words_of_its_own_for_silence() -> None:
    """Also for what tells more than that, and for how they were asked."""
    added = Silence(
        add={"silence": ["dna x #"], "more": ["per protocol"], "letter": ["window envelope"]}
    )
    for reason, by_the_programs, by_both in (
        ("DNA x 2", False, True),
        ("No reply to text, per protocol", True, False),
        ("No reply to text or window envelope", True, False),
        ("No reply to text", True, True),
    ):
        assert is_silence_on_one_channel(reason) is by_the_programs
        assert is_silence_on_one_channel(reason, added) is by_both


def test_a_practice_s_words_count_for_whoever_approves(
    sqlite_record: Record, clock: FakeClock
) -> None:
    practice(sqlite_record)
    words = Silence(add={"silence": ["dna x #"]})
    taken = select_ids(sqlite_record, clock, SETTINGS, ["L1"], source="ids", taken_by="ann")
    request = Request(
        kind="status", parameters={"to": "discharged"}, selection_id=taken.id, requested_by="ann",
        reason="DNA x 3", request_key="silent",
    )  # fmt: skip
    number = reviewed(
        sqlite_record, clock, request_operation(sqlite_record, clock, SETTINGS, request)
    )
    with sqlite_record.read() as connection:
        found = get_operation(sqlite_record, number)
        judged = [judge(connection, number, words=one).refusal for one in (words, Silence())]
        assert [
            check.holds
            for check in checks_of(connection, 9, found, words)
            if check.code == "silence-only"
        ] == [False]
    assert "silence on one channel" in str(judged[0])
    assert judged[1] is None


def put_group(record: Record, *members: int) -> None:
    with record.write() as connection:
        connection.execute(sa.insert(patient_group).values(id=1, code="asthma", name="Asthma"))
        rows = [{"group_id": 1, "patient_id": key} for key in members]
        connection.execute(sa.insert(group_member), rows)


def put_messages(record: Record, clock: FakeClock) -> None:
    """Queued for 1 and 6; a recall sent to 2 and queued for 1; a cancelled one and a dry run's for 3."""
    put = {"gateway": "sms"}
    put_campaign(
        record, clock,
        [Fate(state=states.PENDING, patient_id=1), Fate(state=states.PENDING, patient_id=6)],
        state=states.PAUSED, **put,
    )  # fmt: skip
    recall = put_campaign(
        record, clock,
        [Fate(state=states.PENDING, patient_id=1), Fate(state=states.DELIVERED, patient_id=2)],
        state=states.RUNNING, **put,
    )  # fmt: skip
    put_campaign(
        record, clock, [Fate(state=states.PENDING, patient_id=3)], state=states.REFUSED, **put
    )
    put_campaign(
        record,
        clock,
        [Fate(state=states.PENDING, patient_id=3)],
        state=states.RUNNING,
        dry_run=True,
    )
    with record.write() as connection:
        connection.execute(
            sa.update(template).where(template.c.id == 1000 + recall).values(message_type="recall")
        )


def test_a_bulk_discharge_counts_and_names_what_is_lost(record: Record, clock: FakeClock) -> None:
    """Visits, queued messages and recalls, of those alone who would be discharged."""
    practice(record)
    visits(record, [(1, 2, 1, 1, 7), (2, 2, 1, 1, 9), (3, 6, 1, 1, 8)])
    put_messages(record, clock)
    put_group(record, 3, 6)
    operation_id = asked(record, clock, "status", {"to": "discharged"}, [1, 2, 3, 4])
    reviewed(record, clock, operation_id)
    with record.read() as connection:
        found = get_operation(record, operation_id)
        impact = impact_of(connection, clock, SETTINGS, found)
        lost = read_losses(connection, SETTINGS, found, clock.now(), limit=3)
        after = read_losses(connection, SETTINGS, found, clock.now(), limit=3, skip=2)
    assert {each.code: each.count for each in impact.effects if each.count} == {
        "ahead": 2, "excluded": 4, "queued": 2, "recalls": 2, "groups": 1,
    }  # fmt: skip
    assert lost == [
        Loss("L1", "Given Family1", 0, None, 2, 1, 0),
        Loss("L2", "Given Family2", 2, VISIT, 0, 1, 0),
        Loss("L3", "Given Family3", 0, None, 0, 0, 1),
    ]
    assert after == lost[2:]


@pytest.mark.parametrize("by", ["campaign", "class", "follow-up"])
def test_a_recall_is_counted_however_it_is_known_to_be_one(
    record: Record, clock: FakeClock, by: str
) -> None:
    """By --recall-by, by its template's class, and where it did not reach the patient; each once."""
    practice(record)
    state = states.UNDELIVERED if by == "follow-up" else states.DELIVERED
    number = put_campaign(
        record, clock, [Fate(state=state, patient_id=1)], state=states.COMPLETED, gateway="sms"
    )
    with record.write() as connection:
        if by == "class":
            version = connection.scalars(
                sa.select(campaign.c.template_version_id).where(campaign.c.id == number)
            ).one()
            said = {"template_version_id": version, "classes": "sensitive recall"}
            connection.execute(sa.insert(template_audience).values(said))
        else:
            said = {"campaign_id": number, "recall_by": date(2027, 1, 1), "owner": "reception"}
            connection.execute(sa.insert(recall).values(said))
        if by == "follow-up":
            task = {
                "campaign_id": number, "row_number": 2, "patient_id": 1, "code": "undelivered",
                "owner": "reception", "due_on": date(2027, 1, 1), "made_at": clock.now(),
            }  # fmt: skip
            connection.execute(sa.insert(recall_task).values(task))
    operation_id = asked(record, clock, "status", {"to": "discharged"}, [1, 2])
    reviewed(record, clock, operation_id)
    with record.read() as connection:
        found = get_operation(record, operation_id)
        lost = read_losses(connection, SETTINGS, found, clock.now(), limit=3)
    assert lost == [Loss("L1", "Given Family1", 0, None, 0, 1, 0)]


def test_a_status_that_is_messaged_loses_nothing(record: Record, clock: FakeClock) -> None:
    practice(record)
    put_messages(record, clock)
    operation_id = asked(record, clock, "status", {"to": "on_hold"}, [1, 2])
    reviewed(record, clock, operation_id)
    with record.read() as connection:
        found = get_operation(record, operation_id)
        assert read_losses(connection, SETTINGS, found, clock.now(), limit=9) == []
        effects = impact_of(connection, clock, SETTINGS, found).effects
    assert [each.code for each in effects] == ["messages"]


def test_silence_stops_the_approver_until_they_say_why_it_is_enough(
    sqlite_record: Record, clock: FakeClock
) -> None:
    practice(sqlite_record)
    taken = select_ids(sqlite_record, clock, SETTINGS, ["L1"], source="ids", taken_by="ann")
    request = Request(
        kind="status", parameters={"to": "discharged"}, selection_id=taken.id, requested_by="ann",
        reason="did not respond to texts", request_key="silent",
    )  # fmt: skip
    number = reviewed(
        sqlite_record, clock, request_operation(sqlite_record, clock, SETTINGS, request)
    )
    with pytest.raises(NotAllowed, match="silence on one channel"):
        approve(sqlite_record, clock, number)
    given = approve(sqlite_record, clock, number, override="rung twice by Ann")
    assert given.note == "[overrides silence-only: rung twice by Ann]"
