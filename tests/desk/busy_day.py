"""A practice on a day on which much waits for people: for the pages on which they do it."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from clinic.gateway.received import Inbound
from clinic.govern.approvals.approvals import request_approval
from clinic.message.incoming.replies import apply_replies, keep_replies
from clinic.record.schema.change import follow_up
from clinic.record.schema.messages import campaign
from clinic.record.schema.recall import recall, recall_task
from tests.clinic.change.practice import asked, places
from tests.main_job import Practice, nhs


def fill(practice: Practice) -> None:
    """
    Patients 1 to 6, of whom 5 and 6 share a number.

    Campaign 1 is a recall with a task for 1 (overdue) and 2; 2 is halted, and approval 1 of it was asked for by
    olwen. Operation 1 has a follow-up of scheduling. Replies: 1 "wrong number" of patient 3 (hold 1), 2 a
    question of patient 4, 3 STOP of 5 or 6.
    """
    practice.patient(1, local_id="L1")
    for n in (2, 3, 4):
        practice.patient(n)
    for n in (5, 6):
        practice.patient(n, mobile="07700900055")
    practice.run(practice.everybody(2), list_name="Smears")
    practice.template("Please book your check.", key="other")
    practice.run(practice.everybody(3), template="other", request_key="second", list_name="Asthma")
    record, clock = practice.record, practice.clock
    today = clock.now().date()
    places(record)
    operation = asked(record, clock, "tag", {"add": ["a"]}, [1], key="op")
    task = {"campaign_id": 1, "code": "opted_out", "owner": "reception", "made_at": clock.now()}
    with record.write() as connection:
        connection.execute(
            sa.update(campaign)
            .where(campaign.c.id == 2)
            .values(state="paused", state_reason="halted-failures")
        )
        connection.execute(
            recall.insert().values(campaign_id=1, recall_by=today, owner="reception")
        )
        late = {"row_number": 2, "patient_id": 1, "due_on": today - timedelta(days=2)}
        due = {"row_number": 3, "patient_id": 2, "due_on": today + timedelta(days=2)}
        connection.execute(recall_task.insert(), [task | late, task | due])
        row = {"operation_id": operation, "code": "reschedule_visits", "subject": "", "count": 3}
        connection.execute(sa.insert(follow_up).values(**row))
        request_approval(
            connection, clock, subject="campaign", subject_id=2, kind="campaign", digest="0" * 64,
            requested_by="olwen", summary={}, reason="", flow_run_id=None, expires_in=timedelta(days=2),
        )  # fmt: skip
    texts = {
        "r1": ("+447700900003", "Wrong number, I am not Ann"),
        "r2": ("+447700900004", "Can I come on Tuesday?"),
        "r3": ("+447700900055", "STOP"),
    }
    inbound = [
        Inbound("fake", key, "sms", sender, text, clock.now())
        for key, (sender, text) in texts.items()
    ]
    keep_replies(record, clock, inbound, practice.settings.phones)
    apply_replies(record, clock, practice.settings.phones)


NAMES = {n: nhs(n) for n in range(1, 7)}
"""NHS numbers of its patients."""
