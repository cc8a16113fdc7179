"""
Records end by a decision of two people: what is due goes, nothing under hold, and everything still adds up.

Nine years of a practice, with a hold on patient 1: the bar of issue 15 in one test, on both databases.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.run.undo import request_undo
from clinic.errors import NotAllowed, OperationRefused
from clinic.govern.access.log import Looker, note_look
from clinic.govern.access.look import at_patient
from clinic.govern.access.reasons import read_reason
from clinic.govern.approvals.approvals import require_approved
from clinic.govern.approvals.deciding import Judged, decide
from clinic.govern.audit.key import unlock
from clinic.govern.audit.removed import REMOVED_ACTS, Removed
from clinic.govern.audit.trail import Act, record_act, verify, write_anchor
from clinic.govern.people.operators import Operator
from clinic.govern.people.roles import Role
from clinic.govern.redact.opened import begin_redaction
from clinic.imports.kinds import open_file, run_import
from clinic.imports.options import Options
from clinic.message.outcomes.outreach import outreach_card
from clinic.record.database import Record
from clinic.record.schema.change import operation_item, selection_row
from clinic.record.schema.govern import REMOVED, access_log, access_patient, approval, audit_act
from clinic.record.schema.messages import message
from clinic.record.schema.people import appointment, patient
from clinic.retention.age import years_before
from clinic.retention.decided import CLASSES, ask, carry_out
from clinic.retention.holds import lift_hold, place_hold
from clinic.retention.night import plan
from clinic.retention.stubs import list_stubs
from clinic.settings import SourceFormat
from tests.clinic.change.practice import SETTINGS, asked, done
from tests.clinic.govern.busy import past_the_program
from tests.clinic.retention.kept import Kept
from tests.fakes import FakeClock
from tests.main_job import Practice, nhs
from tests.staff import add_staff

SECRET = "a long secret of nobody"
MIA, MAX = (Operator(name, "manager", active=True) for name in ("mia", "max"))
LONG = timedelta(days=9 * 366)
NOTHING = dict.fromkeys(CLASSES, 0)


@pytest.fixture
def kept(record: Record, clock: FakeClock, tmp_path: Path) -> Kept:
    """And a campaign that no record has, an operation on three patients and an import of them, looks at two."""
    unlock(record, tmp_path / "key")
    own = Kept(Practice(record, clock, tmp_path), clock)
    staff: dict[str, Role] = {
        "root": "admin", "mia": "manager", "max": "manager", "ann": "operator",
    }  # fmt: skip
    add_staff(record, clock, staff, secret=SECRET)
    own.practice.template("The car park is closed.", key="car-park")
    own.practice.run(
        own.practice.everybody(5, name="d.csv"), request_key="d", list_name="Car park",
        template="car-park", save_to_record=False,
    )  # fmt: skip
    with record.write() as connection:
        connection.execute(sa.update(patient).values(local_id="L" + sa.cast(patient.c.id, sa.Text)))
    done(record, clock, asked(record, clock, "status", {"to": "on_hold"}, [1, 2, 3]))
    married = own.practice.file(
        *(f"{nhs(n)},Vaughan" for n in (1, 2, 3)), heading="NHS Number,Surname", name="e.csv"
    )
    file = open_file("patients", married, SourceFormat())
    run_import(record, clock, "patients", file, Options(by="nia"))
    for key in (1, 2):
        why = read_reason("complaint: letter of Monday")
        note_look(record, clock, Looker("ann", "patient", proven=True), at_patient(key), reason=why)
    return own


def records(kept: Kept) -> dict[str, int]:
    """What is due of each class that two people decide."""
    return {what: count for what, count in kept.due().items() if what in NOTHING}


def held(kept: Kept) -> dict[str, int]:
    found = plan(kept.record, kept.practice.settings, kept.clock.now())
    return {one.what: one.held for one in found if one.what in NOTHING}


def approved(kept: Kept, what: str) -> int:
    number = ask(
        kept.record, kept.clock, kept.practice.settings, what, by=MIA, reason="time is over"
    )
    decide(
        kept.record, kept.clock, number, operator=MAX, decision="approved", note="",
        checklist=lambda *_: Judged(),
    )  # fmt: skip
    return number


def let_go(kept: Kept, what: str) -> int:
    """Asked by mia, approved by max, done."""
    approved(kept, what)
    return carry_out(kept.record, kept.clock, kept.practice.settings, what)


def texts(kept: Kept, campaign_id: int) -> list[str]:
    m = message.c
    with kept.record.read() as connection:
        query = sa.select(m.body).where(m.campaign_id == campaign_id).order_by(m.patient_id)
        return list(connection.scalars(query))


def values(kept: Kept) -> list[tuple[str | None, str | None]]:
    i = operation_item.c
    with kept.record.read() as connection:
        rows = connection.execute(sa.select(i.old, i.new).order_by(i.patient_id))
        return [tuple(row) for row in rows]


def test_nine_years_take_exactly_what_is_due_and_nothing_that_is_held(kept: Kept) -> None:
    """NEW-39: 8, 31 and 91 days, 25 months, 9 years; the trail verifies and reports add up at each."""
    before = kept.counts(1, 4)
    hold = place_hold(kept.record, kept.clock, "patient", 1, reason="an inquiry", by="mia")
    for days, gone in (
        (6, {"lists": 0, "outbox": 0, "files": 0}),
        (8, {"lists": 2, "outbox": 0, "files": 0}),
        (
            31,
            {"lists": 1, "outbox": 8, "files": 1},
        ),  # looked at again: the held row of list 2 is left
        (91, {"lists": 3, "outbox": 0, "files": 1}),
    ):
        kept.later(days=days)
        assert kept.night() == gone, days
        assert records(kept) == NOTHING, days
        assert kept.counts(1, 4) == before, days

    kept.later(days=760)
    assert records(kept) == NOTHING | {"messages": 4, "before-images": 1, "import-values": 1}
    assert held(kept) == NOTHING | {"messages": 1, "before-images": 1, "import-values": 1}
    assert kept.night()["outbox"] == 0
    assert texts(kept, 4) == ["The car park is closed."] * 5, "a record: not by the clock"
    assert [let_go(kept, what) for what in ("messages", "before-images", "import-values")] == [
        4,
        1,
        1,
    ]
    assert texts(kept, 4) == ["The car park is closed.", *[REMOVED] * 4]
    assert texts(kept, 1) == ["Hello, your review is due."] * 5, "on the record: eight years"
    assert values(kept) == [("active", "on_hold"), (REMOVED, REMOVED), (REMOVED, REMOVED)]
    with pytest.raises(OperationRefused, match="undo-values-gone"):
        request_undo(
            kept.record,
            kept.clock,
            SETTINGS,
            of=1,
            requested_by="ann",
            reason="a mistake",
            request_key="u",
        )
    assert records(kept) == NOTHING
    assert kept.counts(1, 4) == before
    assert verify(kept.record, None).first_fault is None

    kept.later(days=LONG.days)
    acts = records(kept)["trail"]
    assert records(kept) == {
        "replies": 1, "messages": 4, "before-images": 0, "import-values": 0, "trail": acts, "access-log": 1,
    }  # fmt: skip
    assert held(kept)["access-log"] == held(kept)["replies"] == 1
    anchor = kept.practice.folder / "audit.anchor"
    write_anchor(kept.record, anchor)
    for what, count in records(kept).items():
        if count:
            assert let_go(kept, what) == count, what
    assert records(kept) == NOTHING
    assert kept.counts(1, 4) == before
    said = verify(kept.record, anchor)
    assert said.first_fault is None
    assert said.removed == (Removed("mia", "max", acts, years_before(kept.clock.now(), 8)),)
    assert texts(kept, 1) == ["Hello, your review is due.", *[REMOVED] * 4]
    assert kept.replies() == ["I have moved", REMOVED]
    with kept.record.read() as connection:
        assert connection.scalars(sa.select(access_log.c.subject_id)).all() == [1]

    lift_hold(kept.record, kept.clock, hold, by="mia")
    kept.later(days=LONG.days + 1)
    assert {what for what, count in records(kept).items() if count} == set(NOTHING)
    for what in NOTHING:
        let_go(kept, what)
    assert records(kept) == NOTHING
    assert (set(texts(kept, 1)), set(values(kept))) == ({REMOVED}, {(REMOVED, REMOVED)})
    with kept.record.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(access_patient)) == 0
        assert set(connection.scalars(sa.select(selection_row.c.given))) == {REMOVED}
    assert kept.counts(1, 4) == before
    assert verify(kept.record, anchor).first_fault is None
    assert {stub.what for stub in list_stubs(kept.record, limit=99)} >= set(NOTHING)
    card = outreach_card(kept.record, 1)
    assert REMOVED in repr(card)


def test_a_record_is_kept_while_its_patient_comes_and_until_a_child_is_25(kept: Kept) -> None:
    """NEW-39: the period of a health record counts from when somebody was last seen."""
    kept.later(days=LONG.days)
    seen = kept.clock.now() - timedelta(days=365)
    with kept.record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 2).values(birth_date=seen.date())
        )
        for key, status in ((3, "booked"), (4, "cancelled")):
            connection.execute(
                sa.insert(appointment).values(
                    patient_id=key, starts_at=seen, minutes=10, status=status
                )
            )
    due = records(kept)
    assert (due["replies"], due["messages"]) == (1, 5 + 3)  # on no record: of everybody
    let_go(kept, "messages")
    assert [text == REMOVED for text in texts(kept, 1)] == [True, False, False, True, True]


def test_a_removal_that_was_killed_goes_on_in_the_night(kept: Kept) -> None:
    """NEW-39: the approval is used, nothing is gone yet; then everything that was decided goes, once."""
    kept.later(days=LONG.days)
    settings = kept.practice.settings
    for what in NOTHING:
        number = approved(kept, what)
        one = CLASSES[what]
        with kept.record.write() as connection:
            digest = connection.scalar(sa.select(approval.c.digest).where(approval.c.id == number))
            used = require_approved(
                connection, subject="retention", subject_id=one.number, digest=digest or "",
                now=kept.clock.now(),
            )  # fmt: skip
            limit = one.before(kept.clock.now(), settings.retention)
            begin_redaction(connection, kept.clock, used, what=what, removes_before=limit)
    kept.night()
    assert records(kept) == NOTHING
    assert verify(kept.record, None).first_fault is None
    with pytest.raises(NotAllowed, match="approval-used"):
        carry_out(kept.record, kept.clock, settings, "messages")


def test_what_nobody_approved_or_names_is_found_missing(kept: Kept) -> None:
    """NEW-10, NEW-39: an act that says it was decided, without the approval; an act more than was decided."""
    kept.later(days=LONG.days)
    let_go(kept, "trail")
    with kept.record.read() as connection:
        stream, number = connection.execute(
            sa.select(audit_act.c.stream, audit_act.c.number).order_by(audit_act.c.timestamp.desc())
        ).first() or ("", 0)
    says = {"kind": "retention", "of": ["retention", 4], "approval": 999, "digest": "d" * 64}
    act = Act(
        operator="mia", approver="max", operation_type=REMOVED_ACTS, subject="redaction", subject_id=9,
        new_values={**says, "before": kept.clock.now().isoformat(), "count": 1, "blocks": {}},
    )  # fmt: skip
    with kept.record.write() as connection:
        record_act(connection, kept.clock, act)
    fault = verify(kept.record, None).first_fault
    assert fault is not None
    assert fault.code == "redaction-unapproved"
    where = f"stream = '{stream}' AND number = {number}"
    past_the_program(kept.record, f"DELETE FROM audit_act WHERE {where}")  # noqa: S608  ours
    fault = verify(kept.record, None).first_fault
    assert fault is not None
    assert (fault.code, fault.stream, fault.block) == ("row-removed", stream, number)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_act",  # also what is not old enough
        "DELETE FROM access_log",
        "DELETE FROM access_patient",
        "UPDATE message SET body = '[removed]' WHERE patient_id = 2",
        "UPDATE operation_item SET old = '[removed]' WHERE patient_id = 2",
        "DELETE FROM import_change",
    ],
)
def test_triggers_let_only_what_is_old_go_and_only_while_it_is_decided(
    kept: Kept, statement: str
) -> None:
    """NEW-39: neither without a decision, nor while one of older things is open; nor is that moved."""
    kept.later(days=LONG.days)
    refused(kept, statement)
    for what in NOTHING:
        let_go_of_the_oldest(kept, what)
    refused(kept, statement)
    refused(kept, "UPDATE redaction SET removes_before = NULL")


def refused(kept: Kept, statement: str) -> None:
    with (
        pytest.raises(sa.exc.DatabaseError, match="refused"),
        kept.record.write() as connection,
    ):
        connection.exec_driver_sql(statement)


def let_go_of_the_oldest(kept: Kept, what: str) -> int:
    """A decision of this class is open; only what is older than the practice may go by it."""
    number = approved(kept, what)
    with kept.record.write() as connection:
        digest = connection.scalar(sa.select(approval.c.digest).where(approval.c.id == number))
        used = require_approved(
            connection, subject="retention", subject_id=CLASSES[what].number, digest=digest or "",
            now=kept.clock.now(),
        )  # fmt: skip
        limit = kept.begun - timedelta(days=1)
        return begin_redaction(connection, kept.clock, used, what=what, removes_before=limit)
