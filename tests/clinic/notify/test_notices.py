"""Notices to staff: who is told, what is said, who must approve, and that nobody is told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, OperationRefused, TemplateRefused
from clinic.govern.approvals.approvals import latest, waiting
from clinic.govern.audit.verify import verify
from clinic.govern.people.operators import Operator
from clinic.message.campaign.campaign import get_campaign
from clinic.message.outcomes.summary import summarize
from clinic.message.prepare.approve import SUBJECT, ask, release_campaign
from clinic.message.prepare.stage import stage
from clinic.message.purposes import NOTICE
from clinic.message.sending.deliver import deliver
from clinic.message.template.variables import Setting
from clinic.message.timing.timing import Timing
from clinic.notify.asking import ask_for
from clinic.notify.notices import STAFF, name_all, open_notice
from clinic.notify.preparing import prepare_notice
from clinic.notify.recipients import Audience
from clinic.notify.request import NoticeRequest
from clinic.notify.texts import keep_text
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.govern import audit_act
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import message, recipient
from clinic.record.schema.people import clinical_item, facility, patient, provider
from clinic.settings import Contact, Notices, Operations, Settings
from data_checks.cohort import check_cohort
from tests.clinic.change.practice import ASKER, LEAD, MANAGER, asked, done, practice
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import make_ledger

TEAM = Settings(
    operations=Operations(chunk_size=2),
    notices=Notices(internal=("team@practice.nhs.uk",)),
    outbox=True,
)


@pytest.fixture
def moved(record: Record, clock: FakeClock) -> int:
    """Patients 1 to 4 went from North (F1) to South (F2); its number."""
    practice(record)
    install(record, clock)
    with record.write() as connection:
        for table, emails in (
            (facility, {"F1": "north@practice.nhs.uk", "F2": "south@practice.nhs.uk"}),
            (provider, {"P1": "one@practice.nhs.uk", "P3": "three@practice"}),
        ):
            for code, email in emails.items():
                connection.execute(sa.update(table).where(table.c.code == code).values(email=email))
    parameters = {"to": "F2", "provider": "default"}
    operation_id = asked(record, clock, "facility", parameters, range(1, 5))
    done(record, clock, operation_id)
    return operation_id


def requested(operation_id: int, audience: Audience, **values: Any) -> NoticeRequest:
    """Ann asks."""
    usual = {"reason": "they must know", "requested_by": "ann", "request_key": f"n-{audience}"}
    return NoticeRequest(operation_id=operation_id, audience=audience, **(usual | values))


def opened(
    record: Record,
    clock: FakeClock,
    settings: Settings,
    request: NoticeRequest,
    *,
    gateway: str,
    batch_limit: int,
) -> int:
    """Ann proves that it is her who asks; the notice's number."""
    ask_for(record, clock, settings, request, by=ASKER)
    return open_notice(record, clock, settings, request, gateway=gateway, batch_limit=batch_limit)


def staged(
    record: Record, clock: FakeClock, request: NoticeRequest, settings: Settings = TEAM
) -> int:
    """A notice that waits for its approval."""
    notice = opened(record, clock, settings, request, gateway="fake", batch_limit=100)
    name_all(record, clock, notice)
    stage(record, notice, setting=Setting(settings.organisation, clock.now()), most_segments=6)
    assert ask(record, clock, settings, notice, flow_run_id=None)
    return notice


def approved(record: Record, clock: FakeClock, notice: int) -> None:
    """Mia, a manager, approves, and it is let go."""
    number = approval_number(record, notice)
    decide(record, clock, number, operator=MANAGER, decision="approved", note="")
    release_campaign(record, clock, TEAM, notice, Timing())


def approval_number(record: Record, notice: int) -> int:
    with record.write() as connection:
        asked_for = latest(connection, subject=SUBJECT, subject_id=notice)
    assert asked_for is not None
    return asked_for.id


def sent(record: Record, clock: FakeClock, folder: Path, notice: int) -> FakeGateway:
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, folder), gateway, notice, 1, 100)
    return gateway


def texts(record: Record, notice: int) -> list[tuple[str, str, str]]:
    """(address, subject, text) of every message of a notice."""
    c = message.c
    with record.read() as connection:
        rows = connection.execute(
            sa.select(c.address, c.subject, c.body).where(c.campaign_id == notice).order_by(c.id)
        )
        return list(rows.tuples())


def acts(record: Record) -> list[sa.Row[Any]]:
    with record.read() as connection:
        return list(connection.execute(sa.select(audit_act)).all())


def outcomes(record: Record, notice: int) -> list[str]:
    with record.read() as connection:
        return list(
            connection.scalars(
                sa.select(recipient.c.outcome)
                .where(recipient.c.campaign_id == notice)
                .order_by(recipient.c.row_number)
            )
        )


def test_the_facilities_that_patients_left_and_came_to_are_told(
    record: Record, clock: FakeClock, moved: int, tmp_path: Path
) -> None:
    """ALC-32: how many of theirs, which operation, and nothing of a patient."""
    notice = staged(record, clock, requested(moved, "facility"))
    approved(record, clock, notice)
    gateway = sent(record, clock, tmp_path, notice)
    assert sum(gateway.received.values()) == 2
    said = texts(record, notice)
    assert [address for address, _, _ in said] == ["north@practice.nhs.uk", "south@practice.nhs.uk"]
    assert said[1][1] == f"Facility transfer: operation {moved}"
    assert f"(operation {moved}) concerned 4 patients of your facility" in said[1][2]
    assert "Family" not in "".join(text for _, _, text in said)
    assert summarize(record, clock, notice).verdict == "OK"


def test_providers_without_a_right_address_are_listed(
    record: Record, clock: FakeClock, moved: int
) -> None:
    """ALC-32: the old provider and the new one; an address that cannot exist is an outcome."""
    notice = staged(record, clock, requested(moved, "provider"))
    assert outcomes(record, notice) == ["accepted", "email_invalid"]
    assert [address for address, _, _ in texts(record, notice)] == ["one@practice.nhs.uk"]


def test_the_team_is_told_what_became_of_the_operation(
    record: Record, clock: FakeClock, moved: int
) -> None:
    """ALC-32: the internal alert."""
    notice = staged(record, clock, requested(moved, "internal"))
    assert [(address, text.splitlines()[0]) for address, _, text in texts(record, notice)] == [
        ("team@practice.nhs.uk", f"Facility transfer (operation {moved}) is done; patients: 4.")
    ]


def test_the_provider_of_a_visit_that_was_booked_is_told(record: Record, clock: FakeClock) -> None:
    practice(record)
    install(record, clock)
    with record.write() as connection:
        connection.execute(sa.update(provider).values(email="desk@practice.nhs.uk"))
    parameters = {"type": "review", "from": "2026-03-09", "to": "2026-03-10", "provider": "P4"}
    operation_id = asked(record, clock, "visit", parameters, [1])
    done(record, clock, operation_id)
    opened(record, clock, TEAM, requested(operation_id, "provider"), gateway="fake", batch_limit=1)
    with record.read() as connection:
        assert connection.scalar(sa.select(cohort_list.c.rows)) == 2  # P1, whose patient; P4


def test_a_notice_leaves_only_when_a_manager_approved_it(
    record: Record, clock: FakeClock, moved: int, tmp_path: Path
) -> None:
    """ALC-8: however few are told; a team lead may not, and who asked may not."""
    notice = staged(record, clock, requested(moved, "facility"))
    with pytest.raises(NotAllowed, match="approval-waiting"):
        release_campaign(record, clock, TEAM, notice, Timing())
    assert sent(record, clock, tmp_path, notice).received == {}
    number = approval_number(record, notice)
    with pytest.raises(NotAllowed, match="approval-role"):
        decide(record, clock, number, operator=LEAD, decision="approved", note="")
    approved(record, clock, notice)
    kinds = {each.operation_type for each in acts(record)}
    assert {"notification.asked", "approval.approved", "approval.used"} <= kinds
    assert "notification" not in kinds  # nothing was sent yet
    sent(record, clock, tmp_path, notice)
    summarize(record, clock, notice)
    summarize(record, clock, notice)
    (told,) = [each for each in acts(record) if each.operation_type == "notification"]
    assert (told.outcome, told.operator, told.subject_id) == ("done", "ann", notice)
    assert verify(record, None).holds


def test_asked_for_again_it_is_the_same_notice_and_nobody_is_told_twice(
    record: Record, clock: FakeClock, moved: int, tmp_path: Path
) -> None:
    """Also when the main job takes it up again, as it does with whatever lost its run."""
    notice = staged(record, clock, requested(moved, "facility"))
    approved(record, clock, notice)
    first = sent(record, clock, tmp_path, notice)
    again = opened(
        record, clock, TEAM, requested(moved, "facility"), gateway="fake", batch_limit=100
    )
    assert again == notice
    assert name_all(record, clock, again) == 2
    check_cohort(record, clock, TEAM, again)
    assert outcomes(record, notice) == ["accepted", "accepted"]
    assert sent(record, clock, tmp_path / "b", again).received == {}
    assert set(first.received.values()) == {1}


def test_staff_are_nobodys_patients(
    record: Record, clock: FakeClock, moved: int, tmp_path: Path
) -> None:
    """Their numbers are of no patient, no cap counts over notices, nothing is on anybody's record."""
    numbers = set()
    for key in ("a", "b"):
        notice = staged(record, clock, requested(moved, "facility", request_key=key))
        approved(record, clock, notice)
        ledger = make_ledger(
            record, clock, tmp_path / key, timing=Timing(contact=Contact(most=1, days=30))
        )
        gateway = FakeGateway()
        deliver(ledger, gateway, notice, 1, 100)
        assert len(gateway.received) == 2
    with record.read() as connection:
        numbers = set(connection.scalars(sa.select(message.c.patient_id)))
        items = connection.scalar(sa.select(sa.func.count()).select_from(clinical_item))
        least = connection.scalar(sa.select(sa.func.min(patient.c.id)))
    assert (len(numbers), items, least) == (4, 0, 1)
    assert max(numbers) < -STAFF


def test_an_operation_that_changed_nothing_yet_is_nothing_to_tell_of(
    sqlite_record: Record, clock: FakeClock
) -> None:
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    with pytest.raises(NotAllowed, match="notice-too-early"):
        opened(
            sqlite_record, clock, TEAM, requested(operation_id, "facility"), gateway="fake",
            batch_limit=1,
        )  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"requested_by": "mia"},
        {"request_key": "other"},
        {"template": "t"},
        {"audience": "provider"},
    ],
)
def test_a_run_cannot_say_that_somebody_asked_who_did_not(
    sqlite_record: Record, clock: FakeClock, changed: dict[str, str]
) -> None:
    """ALC-8, ALC-33: else one could ask in another's name in Prefect, and approve it as oneself."""
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    done(sqlite_record, clock, operation_id)
    asked_for = requested(operation_id, "internal")
    ask_for(sqlite_record, clock, TEAM, asked_for, by=ASKER)
    forged = asked_for.model_copy(update=changed)
    with pytest.raises(NotAllowed, match="notice-unasked"):
        open_notice(sqlite_record, clock, TEAM, forged, gateway="fake", batch_limit=1)
    for by in (LEAD, Operator("root", "admin", active=True)):
        with pytest.raises(NotAllowed, match="request-not-allowed"):
            ask_for(sqlite_record, clock, TEAM, asked_for, by=by)


def test_nobody_to_tell_is_said(sqlite_record: Record, clock: FakeClock) -> None:
    practice(sqlite_record)
    operation_id = asked(sqlite_record, clock, "status", {"to": "on_hold"}, [1])
    done(sqlite_record, clock, operation_id)
    with pytest.raises(OperationRefused, match="notice-nobody"):
        opened(
            sqlite_record, clock, Settings(outbox=True), requested(operation_id, "internal"), gateway="fake",
            batch_limit=1,
        )  # fmt: skip


def test_a_notice_speaks_of_no_patient(sqlite_record: Record, clock: FakeClock) -> None:
    for text in (
        "About {{ patient.given_name }}",
        "On {{ appointment.date }}",
        "{{ list.Mobile }}",
    ):
        with pytest.raises(TemplateRefused):
            keep_text(sqlite_record, clock, text, subject="s", purpose=NOTICE, by="ann")
    own = keep_text(
        sqlite_record, clock, "Hello {{ list.Name }}", subject="s", purpose=NOTICE, by="ann"
    )
    assert own.startswith("notice-")


def test_what_was_asked_for_waits_for_its_approval_before_any_run_and_once(
    record: Record, clock: FakeClock, moved: int
) -> None:
    """ALC-8: who is to decide sees it at once; the run, or the same asked again, finds it made."""
    request = requested(moved, "facility")
    ask_for(record, clock, TEAM, request, by=ASKER)
    notice = prepare_notice(record, clock, TEAM, request)
    number = approval_number(record, notice)
    (waits,) = waiting(record, clock.now())
    assert (waits.id, waits.kind) == (number, "notification")
    written = texts(record, notice)
    assert len(written) == 2
    assert prepare_notice(record, clock, TEAM, request) == notice
    # Also when by now there is nobody left whom it could be sent to: it was made when there was
    with record.write() as connection:
        connection.execute(sa.update(facility).values(email=None))
    assert prepare_notice(record, clock, TEAM, request) == notice
    assert (texts(record, notice), approval_number(record, notice)) == (written, number)
    assert "notification.failed" not in {act.operation_type for act in acts(record)}


def test_a_notice_may_leave_by_every_gateway_that_its_channel_has(
    record: Record, clock: FakeClock, moved: int
) -> None:
    """NEW-19: where the first relay takes nothing, staff are told by the next."""
    first = {"type": "smtp", "host": "one.example", "sender": "team@one.example"}
    gateways = {
        "one": first | {"batch_limit": 40},
        "two": first | {"host": "two.example", "batch_limit": 7},
    }
    route = {"gateways": ["one", "two"], "failover": "order"}
    given = {"gateways": gateways, "channels": {"email": route}}
    settings = Settings.model_validate(
        {"notices": TEAM.notices.model_dump(), "operations": TEAM.operations.model_dump(), **given}
    )
    request = requested(moved, "internal")
    ask_for(record, clock, settings, request, by=ASKER)
    notice = prepare_notice(record, clock, settings, request)
    with record.read() as connection:
        job = get_campaign(connection, notice)
    assert (job.gateway, job.gateways, job.batch_size) == ("one", "one two", 7)
