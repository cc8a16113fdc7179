"""NEW-28, safety 11: what is clinical is approved by a clinician, expires in hours, and says whom to call."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import CohortRefused, NotAllowed
from clinic.govern.approvals.approvals import deciders, latest
from clinic.govern.approvals.confirming import confirm
from clinic.govern.audit.verify import verify
from clinic.govern.people.clinicians import clinicians, set_clinician
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.audience.audience import Audience
from clinic.message.prepare import approve
from clinic.message.prepare.content import findings_of
from clinic.message.sending.deliver import deliver
from clinic.message.template.catalogue import NewTemplate, add_template
from clinic.message.timing.timing import timing_of
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import batch, campaign, message
from tests.fakes import FakeClock
from tests.ledgers import make_ledger
from tests.main_job import Practice

HOURS = "Open Mon to Fri 8am to 6.30pm. When closed call 111, in an emergency 999."
NIA, MIA, ROOT = "nia", "mia", "root"
OLA = "ola"


@pytest.fixture
def practice(sqlite_record: Record, clock: FakeClock, tmp_path: Path) -> Practice:
    """Nia sends; Mia is a manager, Ola an operator, and Root an admin."""
    made = Practice(sqlite_record, clock, tmp_path)
    made.patients(3)
    roles = {NIA: "operator", MIA: "manager", OLA: "operator", ROOT: "admin"}
    row = {"secret_hash": "-", "created_at": clock.now(), "created_by": ROOT}
    with sqlite_record.write() as connection:
        people = [{"name": name, "role": role, **row} for name, role in roles.items()]
        connection.execute(operator.insert(), people)
    new = NewTemplate(
        "advice", "Advice", "review", f"Please call us. {HOURS}", audience=Audience(("clinical",))
    )
    add_template(sqlite_record, clock, new, by=NIA)
    return made


def staged(practice: Practice, **request: object) -> int:
    number = practice.begin(practice.everybody(3), template="advice", requested_by=NIA, **request)
    practice.check(number)
    practice.stage(number)
    return number


def test_a_clinician_approves_it_and_no_manager(practice: Practice, clock: FakeClock) -> None:
    """Of three messages, though no threshold is set; whoever is a clinician no more does not count."""
    record, settings = practice.record, practice.settings
    set_clinician(record, clock, name=OLA, registration="GMC 7654321", by=ROOT)
    number = staged(practice)
    assert approve.ask(record, clock, settings, number, flow_run_id=None)
    with record.read() as connection:
        asked = latest(connection, subject="campaign", subject_id=number)
        assert asked is not None
    assert asked.expires_at == clock.now() + timedelta(hours=24)
    assert deciders(record, asked) == [OLA]
    confirm(record, clock, asked.id, by=Operator(NIA, "operator", active=True))
    manager, clinician = (
        Operator(MIA, "manager", active=True), Operator(OLA, "operator", active=True)
    )  # fmt: skip
    with pytest.raises(NotAllowed, match="this needs the decision of a clinician"):
        decide(record, clock, asked.id, operator=manager, decision="approved", note="ok")
    decide(record, clock, asked.id, operator=clinician, decision="approved", note="ok")
    set_clinician(record, clock, name=OLA, registration="", by=ROOT)
    with pytest.raises(NotAllowed, match="approval-disabled"):
        approve.release_campaign(record, clock, settings, number, timing_of(settings))
    set_clinician(record, clock, name=OLA, registration="GMC 7654321", by=ROOT)
    state = approve.release_campaign(record, clock, settings, number, timing_of(settings))
    assert state == states.RUNNING
    with record.read() as connection:
        assert clinicians(connection) == {OLA: "GMC 7654321"}
    assert verify(record, None).holds


def test_only_an_admin_says_who_is_a_clinician_and_by_a_registration(
    practice: Practice, clock: FakeClock
) -> None:
    with pytest.raises(NotAllowed, match="operator-not-admin"):
        set_clinician(practice.record, clock, name=OLA, registration="GMC 1", by=MIA)
    with pytest.raises(NotAllowed, match="clinician-registration"):
        set_clinician(practice.record, clock, name=OLA, registration="a doctor", by=ROOT)


@pytest.mark.parametrize(
    ("later", "left"), [(23.9, [states.ACCEPTED] * 3), (24.1, [states.SUPPRESSED] * 3)]
)
def test_what_has_not_left_in_its_hours_expires(
    practice: Practice, clock: FakeClock, later: float, left: list[str]
) -> None:
    number = staged(practice)
    with practice.record.write() as connection:  # approved, and then the queue stood still
        connection.execute(sa.update(campaign).values(state=states.RUNNING))
    clock.sleep(later * 3600)
    deliver(make_ledger(practice.record, clock, practice.folder), practice.gateway, number, 1, 1)
    with practice.record.read() as connection:
        rows = connection.execute(sa.select(message.c.state, message.c.reason)).all()
        suppressed = connection.scalar(sa.select(batch.c.suppressed))
    assert [row.state for row in rows] == left
    expired = left[0] == states.SUPPRESSED
    assert {row.reason for row in rows} == {"clinical_late" if expired else None}
    assert suppressed == (3 if expired else 0)


@pytest.mark.parametrize(
    "when", [{"start_at": "2026-03-03 11:00"}, {"stagger_days": 2, "start_at": "2026-03-02 12:00"}]
)
def test_it_is_not_asked_for_to_leave_later_than_that(
    practice: Practice, when: dict[str, object]
) -> None:
    with pytest.raises(CohortRefused, match="clinical-late"):
        staged(practice, **when)
    practice.judge(practice.everybody(3), **when)  # another template may


def test_a_text_that_does_not_say_whom_to_call_must_be_accepted(practice: Practice) -> None:
    """14 §2.2: as a finding of the content gate, of this class and not of others."""
    new = NewTemplate(
        "advice", "Advice", "review", "Please call us.", audience=Audience(("clinical",))
    )
    add_template(practice.record, practice.clock, new, by=NIA)
    number = staged(practice)
    other = practice.begin(practice.everybody(3), request_key="other")
    practice.check(other)
    practice.stage(other)
    with practice.record.read() as connection:
        found = [(one.code, one.messages) for one in findings_of(connection, number)]
        assert findings_of(connection, other) == []
    assert found == [("content_hours", 3), ("content_urgent_help", 3)]
