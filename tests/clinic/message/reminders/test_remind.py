"""COM-1, COM-2, COM-5, COM-12, COM-15, ACX-36: each appointment is reminded of once, if it still stands."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from clinic.change.review.deciding import decide
from clinic.errors import NotAllowed, NotFound
from clinic.govern.approvals.approvals import latest
from clinic.govern.people.operators import Operator
from clinic.message import states
from clinic.message.campaign.campaign import refuse
from clinic.message.campaign.counting import count_outcomes
from clinic.message.campaign.said import said_of
from clinic.message.prepare.approve import answer, ask
from clinic.message.prepare.content import findings_of
from clinic.message.prepare.preview import discard_preview, preview_key
from clinic.message.prepare.stage import stage
from clinic.message.reminders.remind import begin_reminders
from clinic.message.reminders.reminder_list import (
    Given,
    count_given,
    count_without,
    keep_list,
    read_reminders,
)
from clinic.message.reminders.reminder_request import ReminderRequest
from clinic.message.sending.deliver import deliver
from clinic.message.template.catalogue import NewTemplate, add_template, seed_catalogue
from clinic.message.template.variables import Setting
from clinic.message.template.vendor_templates import TEMPLATES
from clinic.record.database import Record
from clinic.record.installation import install
from clinic.record.schema.govern import operator
from clinic.record.schema.lists import cohort_list
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import appointment, facility, patient, provider
from clinic.record.schema.receipts import reminder
from clinic.settings import Content, Organisation, Release, Settings
from data_checks.cohort import check_cohort
from tests.fakes import FakeClock, FakeGateway
from tests.ledgers import make_ledger

SETTINGS = Settings(phones={"test_range": True})  # type: ignore[arg-type]
_keys = itertools.count(1)


@pytest.fixture
def office(record: Record, clock: FakeClock) -> Record:
    """Two facilities with a provider each, and four patients with a mobile."""
    install(record, clock)
    seed_catalogue(record, clock, TEMPLATES)
    with record.write() as connection:
        for n in (1, 2):
            connection.execute(sa.insert(facility).values(id=n, code=f"F{n}", name=f"Site {n}"))
            connection.execute(
                sa.insert(provider).values(id=n, code=f"P{n}", name=f"Dr {n}", speciality=f"S{n}")
            )
        for n in range(1, 5):
            connection.execute(
                sa.insert(patient).values(
                    id=n, given_name=f"Given{n}", family_name="F", mobile=f"0770090000{n}",
                    birth_date=date(1950 + 10 * n, 3, 2),
                )
            )  # fmt: skip
    return record


def book(record: Record, at: datetime, patient_id: int = 1, **values: Any) -> int:
    """An appointment; its id."""
    given: dict[str, Any] = {"place": "Room 4", "facility_id": 1, "provider_id": 1}
    with record.write() as connection:
        key = connection.execute(
            sa.insert(appointment)
            .values(given | values | {"patient_id": patient_id, "starts_at": at})
            .returning(appointment.c.id)
        ).scalar_one()
    return int(key)


def stage_night(
    record: Record, clock: FakeClock, *, setting: Setting | None = None, **wanted: Any
) -> int:
    """A night's run up to the point where it may send; its campaign."""
    request = ReminderRequest(**wanted)
    number = begin_reminders(
        record, clock, SETTINGS, request, request_key=f"night-{next(_keys)}", gateway="fake",
        batch_limit=1000,
    )  # fmt: skip
    check_cohort(record, clock, SETTINGS, number)
    setting = setting or Setting(SETTINGS.organisation, clock.now())
    stage(record, number, setting=setting, most_segments=6)
    return number


def send(record: Record, clock: FakeClock, folder: Path, number: int) -> list[str]:
    """Let it go; the texts that left."""
    with record.write() as connection:
        connection.execute(
            sa.update(campaign).where(campaign.c.id == number).values(state=states.RUNNING)
        )
    gateway = FakeGateway()
    deliver(make_ledger(record, clock, folder / str(number)), gateway, number, 1, 100)
    with record.read() as connection:
        rows = connection.execute(sa.select(message.c.id, message.c.body).order_by(message.c.id))
        return [body for key, body in rows if key in gateway.received]


def night(record: Record, clock: FakeClock, folder: Path, **wanted: Any) -> list[str]:
    return send(record, clock, folder, stage_night(record, clock, **wanted))


def outcomes(record: Record, number: int) -> dict[str, int]:
    with record.read() as connection:
        return count_outcomes(connection, number)


@pytest.mark.parametrize(
    ("neutral", "texts", "left"),
    [
        (
            None,
            ["You have an appointment on Tuesday 3 March at 10:00. The Practice"],
            {"waiting": 2},
        ),
        ("", [], {"waiting": 1, "sensitive_visit": 1}),
        ("See {{ appointment.place }}", [], {"waiting": 1, "sensitive_visit": 1}),
    ],
)
def test_a_sensitive_visit_has_a_neutral_reminder_or_none(
    office: Record, clock: FakeClock, neutral: str | None, texts: list[str], left: dict[str, int]
) -> None:
    """NEW-25: "GUM Clinic" on a parent's phone; the others are reminded, and nobody has to accept anything."""
    book(office, clock.now() + timedelta(days=1), 1, place="GUM Clinic")
    book(office, clock.now() + timedelta(days=1), 2)
    content = Content() if neutral is None else Content(neutral_reminder=neutral)
    setting = Setting(SETTINGS.organisation, clock.now(), content)
    made = stage_night(office, clock, setting=setting)
    with office.read() as connection:
        found = connection.execute(sa.select(message.c.patient_id, message.c.body)).all()
        assert not findings_of(connection, made)
        said = [(one.code, one.count, one.rows) for one in said_of(connection, made)]
    assert said == ([("neutral_reminder", 1, (1,))] if texts else [])
    assert outcomes(office, made) == left
    assert [body.strip() for patient_id, body in found if patient_id == 1] == texts
    assert all("Room 4" in body for patient_id, body in found if patient_id == 2)


def test_an_appointment_is_reminded_of_once_however_often_it_runs(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-1, COM-2: by the vendor's template, with the day and time of the organisation's clock."""
    book(office, clock.now() + timedelta(days=1))
    first = night(office, clock, tmp_path)
    assert first == [
        "Reminder for Given1: you have an appointment on Tuesday 3 March at 10:00, Room 4. "
        "If you cannot come, please call The Practice."
    ]
    for _ in range(3):
        clock.sleep(3600)
        assert night(office, clock, tmp_path) == []


@pytest.mark.parametrize(
    ("days", "values", "reminded"),
    [
        (1, {}, True),
        (2, {}, True),
        (3, {}, False),
        (-1, {}, False),
        (1, {"status": "cancelled"}, False),
        (1, {"status": "started"}, False),
        (1, {"status": "arrived"}, False),
        (1, {"status": "finished"}, False),
        (1, {"status": "no_show"}, False),
    ],
)
def test_only_booked_ones_within_the_days_asked_for(
    office: Record,
    clock: FakeClock,
    tmp_path: Path,
    days: int,
    values: dict[str, Any],
    reminded: bool,
) -> None:
    """COM-12: cancelled or started appointments are never reminded of."""
    book(office, clock.now() + timedelta(days=days), **values)
    assert len(night(office, clock, tmp_path, days=2)) == reminded


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        ({}, [1, 2]),
        ({"place": "Room 4"}, [1]),
        ({"provider": "P2"}, [2]),
        ({"facility": "F1"}, [1]),
        ({"visit_type": "smear"}, [2]),
        ({"mode": "video"}, [2]),
        ({"session_type": "clinic"}, [1]),
        ({"booking_requirement": "interpreter"}, [2]),
        ({"speciality": "S1"}, [1]),
        ({"minimum_age": 66}, [1]),
        ({"minimum_age": 56}, [1, 2]),
        ({"minimum_age": 67}, []),
        ({"place": "Room 4", "provider": "P2"}, []),
        ({"first_date": date(2026, 3, 4), "last_date": date(2026, 3, 4)}, [2]),
        ({"last_date": date(2026, 3, 3)}, [1]),
    ],
)
def test_every_parameter_of_the_report_must_match(
    office: Record, clock: FakeClock, tmp_path: Path, wanted: dict[str, Any], who: list[int]
) -> None:
    """COM-5, COM-15: place, provider, type, facility, mode, session, requirement, age, dates."""
    book(office, clock.now() + timedelta(days=1), 1, session_type="clinic")
    book(
        office, clock.now() + timedelta(days=2), 2, place="Room 5", provider_id=2, facility_id=2,
        visit_type="smear", mode="video", booking_requirement="interpreter",
    )  # fmt: skip
    found = night(office, clock, tmp_path, **wanted)
    assert [text.split()[2].rstrip(":") for text in found] == [f"Given{n}" for n in who]


def test_nothing_is_reminded_of_more_than_28_days_ahead(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-15: at most 28 days before, to the minute."""
    book(office, clock.now() + timedelta(days=28, minutes=1))
    assert night(office, clock, tmp_path, last_date=date(2026, 12, 31)) == []
    book(office, clock.now() + timedelta(days=28), 2)
    assert len(night(office, clock, tmp_path, last_date=date(2026, 12, 31))) == 1
    with pytest.raises(ValidationError):
        ReminderRequest(days=29)


@pytest.mark.parametrize("wanted", [{"facility": "nowhere"}, {"provider": "nobody"}])
def test_a_place_that_is_not_there_is_told(
    office: Record, clock: FakeClock, wanted: dict[str, Any]
) -> None:
    with pytest.raises(NotFound):
        stage_night(office, clock, **wanted)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "cancelled"},
        {"status": "started"},
        {"starts_at": datetime(2026, 3, 3, 15, 0, tzinfo=UTC)},
        {"place": "Room 5"},
    ],
)
def test_what_was_cancelled_or_moved_since_does_not_leave(
    office: Record, clock: FakeClock, tmp_path: Path, change: dict[str, Any]
) -> None:
    """ACX-36: read again in the intent; moved, it is reminded of at its new time."""
    book(office, clock.now() + timedelta(days=1))
    number = stage_night(office, clock)
    with office.write() as connection:
        connection.execute(sa.update(appointment).values(change))
    assert send(office, clock, tmp_path, number) == []
    with office.read() as connection:
        row = connection.execute(sa.select(message.c.state, message.c.reason)).one()
    assert tuple(row) == ("suppressed", "appointment_changed")
    again = night(office, clock, tmp_path)
    told = [text.partition(" on ")[2].partition(". ")[0] for text in again]
    moved = {
        "starts_at": ["Tuesday 3 March at 15:00, Room 4"],
        "place": ["Tuesday 3 March at 10:00, Room 5"],
    }
    assert told == moved.get(next(iter(change)), [])
    assert night(office, clock, tmp_path) == []


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ({"death_date": date(2026, 3, 2)}, "patient_dead"),
        ({"fictitious": True}, "patient_fictitious"),
        ({"deregistered_on": date(2026, 3, 2)}, "patient_deregistered"),
        ({"status": "discharged"}, "status_not_messaged"),
        ({"preferred_channel": "none"}, "no_contact"),
    ],
)
def test_who_may_not_be_messaged_any_more_gets_none(
    office: Record, clock: FakeClock, tmp_path: Path, since: dict[str, Any], reason: str
) -> None:
    """ACX-36."""
    book(office, clock.now() + timedelta(days=1))
    number = stage_night(office, clock)
    with office.write() as connection:
        connection.execute(sa.update(patient).values(**since))
    assert send(office, clock, tmp_path, number) == []
    with office.read() as connection:
        assert connection.scalars(sa.select(message.c.reason)).all() == [reason]


def test_of_two_appointments_the_earlier_is_reminded_of_now_and_the_later_by_the_next_run(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-5: one message a patient and run; the other is listed, and not forgotten."""
    book(office, clock.now() + timedelta(days=2, hours=1))
    book(office, clock.now() + timedelta(days=1))
    number = stage_night(office, clock)
    assert outcomes(office, number) == {"waiting": 1, "duplicate": 1}
    assert ["Tuesday" in text for text in send(office, clock, tmp_path, number)] == [True]
    assert ["Wednesday 4 March at 11:00" in text for text in night(office, clock, tmp_path)] == [
        True
    ]
    assert night(office, clock, tmp_path) == []


def set_visit(record: Record, key: int, **values: Any) -> None:
    with record.write() as connection:
        connection.execute(sa.update(appointment).where(appointment.c.id == key).values(**values))


def test_what_is_cancelled_and_booked_again_for_the_same_time_is_no_second_visit(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """Issue 16: so do some systems move a visit to another room; and a move that is undone is no news."""
    at = clock.now() + timedelta(days=1)
    first = book(office, at)
    assert len(night(office, clock, tmp_path)) == 1
    set_visit(office, first, status="cancelled")
    again = book(office, at, place="Room 9")
    assert night(office, clock, tmp_path) == []
    set_visit(office, again, status="cancelled")
    moved = book(office, at + timedelta(hours=2))
    set_visit(office, moved, status="cancelled")  # and back again, the same night
    book(office, at)
    assert night(office, clock, tmp_path) == []
    book(office, at + timedelta(hours=2))
    assert len(night(office, clock, tmp_path)) == 1
    assert night(office, clock, tmp_path, days=2) == []


def test_two_runs_at_once_remind_once(office: Record, clock: FakeClock, tmp_path: Path) -> None:
    """COM-2: both took the appointment in before either staged it."""
    book(office, clock.now() + timedelta(days=1))
    requests = [
        begin_reminders(
            office, clock, SETTINGS, ReminderRequest(), request_key=f"at-once-{n}", gateway="fake",
            batch_limit=1000,
        )
        for n in (1, 2)
    ]  # fmt: skip
    for number in requests:
        check_cohort(office, clock, SETTINGS, number)
    for number in requests:
        setting = Setting(SETTINGS.organisation, clock.now())
        stage(office, number, setting=setting, most_segments=6)
    assert [outcomes(office, n) for n in requests] == [{"waiting": 1}, {"duplicate": 1}]


def test_a_rehearsal_reminds_nobody_and_keeps_nobody_from_being_reminded(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """NEW-13."""
    book(office, clock.now() + timedelta(days=1))
    number = stage_night(office, clock, dry_run=True)
    assert outcomes(office, number) == {"waiting": 1}
    assert len(night(office, clock, tmp_path)) == 1


def test_the_same_request_again_is_the_same_campaign(office: Record, clock: FakeClock) -> None:
    book(office, clock.now() + timedelta(days=1))
    numbers = {
        begin_reminders(
            office, clock, SETTINGS, ReminderRequest(), request_key="same", gateway="fake",
            batch_limit=1000,
        )
        for _ in range(2)
    }  # fmt: skip
    assert len(numbers) == 1


def test_a_local_template_serves_too(office: Record, clock: FakeClock, tmp_path: Path) -> None:
    """COM-1, COM-5: vendor-maintained or one's own."""
    own = NewTemplate(
        key="own", name="Own", message_type="reminder", body="At {{ appointment.time }}."
    )
    add_template(office, clock, own, by="tests")
    book(office, clock.now() + timedelta(days=1))
    assert night(office, clock, tmp_path, template="own") == ["At 10:00."]


_WHERE = (
    "{{ patient.given_name }}: {{ facility.name }}, {{ facility.phone }}, {{ provider.name }}; "
    "{{ appointment.facility }}, {{ appointment.provider }}."
)


def test_a_reminder_names_where_the_visit_is_not_where_the_patient_usually_goes(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-2, COM-15: a patient sent to their usual surgery would miss the visit at another."""
    where = NewTemplate(key="where", name="Where", message_type="reminder", body=_WHERE)
    add_template(office, clock, where, by="tests")
    with office.write() as connection:
        connection.execute(sa.update(patient).values(facility_id=1, provider_id=1))
        connection.execute(
            sa.update(facility).where(facility.c.id == 2).values(phone="020 7946 0002")
        )
    book(office, clock.now() + timedelta(days=1), 1, facility_id=2, provider_id=2)
    book(office, clock.now() + timedelta(days=1), 2, facility_id=None, provider_id=2)
    number = stage_night(office, clock, template="where")
    assert send(office, clock, tmp_path, number) == [
        "Given1: Site 2, 020 7946 0002, Dr 2; Site 2, Dr 2."
    ]
    # Whose visit names no place is not told the wrong one (ARC-9)
    assert outcomes(office, number) == {"sent": 1, "variable_missing": 1}


@pytest.mark.parametrize(
    ("body", "change", "leaves"),
    [
        ("See {{ provider.name }}.", {"provider_id": 2}, False),
        ("Come to {{ facility.name }}.", {"facility_id": 2}, False),
        ("Come to {{ appointment.facility }}.", {"facility_id": None}, False),
        ("See {{ appointment.provider }}.", {"facility_id": 2, "place": "Room 5"}, True),
        ("Come at {{ appointment.time }}.", {"provider_id": 2, "place": None}, True),
    ],
)
def test_nobody_is_sent_where_the_visit_is_no_more(
    office: Record,
    clock: FakeClock,
    tmp_path: Path,
    body: str,
    change: dict[str, Any],
    leaves: bool,
) -> None:
    """ACX-36: what the text tells of the visit is compared in the intent; what it does not tell may change."""
    told = NewTemplate(key="told", name="Told", message_type="reminder", body=body)
    add_template(office, clock, told, by="tests")
    book(office, clock.now() + timedelta(days=1))
    number = stage_night(office, clock, template="told")
    with office.write() as connection:
        connection.execute(sa.update(appointment).values(change))
    assert len(send(office, clock, tmp_path, number)) == leaves


def test_a_visit_is_told_by_the_clock_of_where_it_is(office: Record, clock: FakeClock) -> None:
    """NEW-4, COM-2: ten in London is five in New York, and whoever goes there is told five."""
    setting = Setting(Organisation(facility_zones={"F2": "America/New_York"}), clock.now())
    told = NewTemplate(
        key="told", name="Told", message_type="reminder",
        body="{{ appointment.date }} {{ appointment.day }} {{ appointment.time }}",
    )  # fmt: skip
    add_template(office, clock, told, by="tests")
    at = datetime(2026, 3, 4, 3, 30, tzinfo=UTC)
    for patient_id, facility_id in ((1, 1), (2, 2), (3, None)):
        book(office, at, patient_id, facility_id=facility_id)
    number = stage_night(office, clock, template="told", setting=setting)
    with office.read() as connection:
        query = sa.select(message.c.body).where(message.c.campaign_id == number)
        bodies = list(connection.scalars(query.order_by(message.c.patient_id)))
    here = "4 March 2026 Wednesday 03:30"
    assert bodies == [here, "3 March 2026 Tuesday 22:30", here]


def test_a_row_that_a_person_left_out_is_not_sent_and_a_later_run_may_remind_of_it(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-5: deselected in the list that was looked at; the look itself gives nothing."""
    for n in (1, 2, 3):
        book(office, clock.now() + timedelta(hours=n), n)
    look = preview_key()
    for key, dry_run in ((look, True), ("cli-1", False)):
        number = begin_reminders(
            office, clock, SETTINGS, ReminderRequest(dry_run=dry_run), request_key=key,
            gateway="fake", batch_limit=1000,
        )  # fmt: skip
        check_cohort(office, clock, SETTINGS, number)
        stage(office, number, setting=Setting(SETTINGS.organisation, clock.now()), most_segments=6)
        if dry_run:
            listed = read_reminders(office, number)
            assert count_without(office, number, [2]) == (2, 2)
            keep_list(office, clock, look, "cli-1", [2])
            discard_preview(office, look)
    assert [(row.row_number, row.patient) for row in listed] == [
        (1, "Given1 F"), (2, "Given2 F"), (3, "Given3 F"),
    ]  # fmt: skip
    assert outcomes(office, number) == {"waiting": 2, "deselected": 1}
    assert ["Given2" in text for text in night(office, clock, tmp_path)] == [True]


def test_a_look_that_is_discarded_leaves_nothing(office: Record, clock: FakeClock) -> None:
    """COM-5: also its list, and what the list says of appointments."""
    book(office, clock.now() + timedelta(days=1))
    look = preview_key()
    begin_reminders(
        office, clock, SETTINGS, ReminderRequest(dry_run=True), request_key=look, gateway="fake",
        batch_limit=1000,
    )  # fmt: skip
    discard_preview(office, look)
    with office.read() as connection:
        for table in (reminder, campaign, cohort_list):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0


def test_what_a_refused_campaign_was_to_remind_of_is_reminded_of_by_the_next_run(
    office: Record, clock: FakeClock, tmp_path: Path
) -> None:
    """COM-2, ARC-6: a no to a staged campaign keeps nobody from being reminded."""
    book(office, clock.now() + timedelta(days=1))
    asked = ReminderRequest()
    number = stage_night(office, clock)
    assert count_given(office, clock, SETTINGS, asked) == Given(left=0, not_left=1)
    refuse(office, number, "not-confirmed")
    assert count_given(office, clock, SETTINGS, asked) == Given(left=0, not_left=0)
    assert len(night(office, clock, tmp_path)) == 1
    assert count_given(office, clock, SETTINGS, asked) == Given(left=1, not_left=0)


@pytest.mark.parametrize(("fate", "later"), [("rejected", 0), ("expired", 1)])
def test_what_nobody_decided_about_is_reminded_of_later_and_what_was_rejected_is_not(
    office: Record, clock: FakeClock, tmp_path: Path, fate: str, later: int
) -> None:
    """COM-2, NEW-1: nothing of it left, so to the next run it is as if it had not been asked for."""
    book(office, clock.now() + timedelta(days=5))
    people = [Operator("ann", "operator", active=True), Operator("mia", "manager", active=True)]
    with office.write() as connection:
        for one in people:
            values = {"secret_hash": "-", "created_at": clock.now(), "created_by": "root"}
            connection.execute(sa.insert(operator).values(name=one.name, role=one.role, **values))
    number = stage_night(office, clock, requested_by="ann", days=9)
    above = SETTINGS.model_copy(update={"release": Release(approval_above=0)})
    assert ask(office, clock, above, number, flow_run_id=None)
    assert night(office, clock, tmp_path, days=9) == []
    if fate == "rejected":
        with office.read() as connection:
            asked = latest(connection, subject="campaign", subject_id=number)
        assert asked is not None
        decide(office, clock, asked.id, operator=people[1], decision="rejected", note="no")
    else:
        clock.sleep(73 * 3600)
    assert answer(office, clock, number) == fate
    assert outcomes(office, number) == {"cancelled": 1}
    assert len(night(office, clock, tmp_path, days=9)) == later


def test_a_channel_that_is_switched_off_reminds_nobody(office: Record, clock: FakeClock) -> None:
    """ACX-7."""
    settings = Settings(organisation=Organisation(channels=("sms",)))
    with pytest.raises(NotAllowed) as refused:
        begin_reminders(
            office, clock, settings, ReminderRequest(channel="email"), request_key="x",
            gateway="fake", batch_limit=1000,
        )  # fmt: skip
    assert refused.value.code == "channel-off"
