"""NEW-26: who may set, loosen and see how a patient is contacted safely; the trail has no value of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed, NotFound
from clinic.practice.safe_contact import (
    lift_safe_contact,
    restrict_imported,
    see_safe_contact,
    set_safe_contact,
)
from clinic.record.database import Record
from clinic.record.schema.govern import audit_act, operator
from clinic.record.schema.people import patient
from clinic.settings import Phones
from tests.fakes import FakeClock
from tests.ledgers import add_patients

Set = Callable[..., None]
PHONES = Phones(test_range=True)


@pytest.fixture
def office(sqlite_record: Record, clock: FakeClock) -> Record:
    """Two patients, and somebody of each role."""
    add_patients(sqlite_record, 2)
    with sqlite_record.write() as connection:
        connection.execute(
            sa.insert(operator),
            [
                {"name": name, "role": role, "active": name != "gone", "secret_hash": "x",
                 "created_at": clock.now(), "created_by": "nia"}
                for name, role in (
                    ("ola", "operator"), ("tom", "team_lead"), ("mia", "manager"),
                    ("ada", "admin"), ("gone", "manager"),
                )
            ],
        )  # fmt: skip
    return sqlite_record


@pytest.fixture
def put(office: Record, clock: FakeClock) -> Set:
    def put(
        by: str, *channels: str, number: str = "", reason: str = "asked for it", n: int = 1
    ) -> None:
        set_safe_contact(
            office, clock, n, channels=channels, number=number, reason=reason, by=by, phones=PHONES
        )

    return put


def in_force(office: Record, clock: FakeClock) -> tuple[tuple[str, ...], str | None]:
    own = see_safe_contact(office, clock, 1, by="mia")[0]
    assert own.ended_at is None
    return own.channels, own.number


@pytest.mark.parametrize(
    ("channels", "number", "expected"),
    [
        ((), "", ((), None)),
        (("email",), "", (("email",), None)),
        ((), "07700 900123", (("sms", "voice"), "+447700900123")),
        (("sms",), "+44 7700 900123", (("sms",), "+447700900123")),
        (("sms", "email"), "07700 900123", (("sms", "email"), "+447700900123")),
    ],
)
def test_a_number_alone_is_safe_for_what_goes_to_numbers(
    office: Record, clock: FakeClock, put: Set, channels: tuple[str, ...], number: str,
    expected: tuple[tuple[str, ...], str | None],
) -> None:  # fmt: skip
    put("ola", *channels, number=number)
    assert in_force(office, clock) == expected


@pytest.mark.parametrize(
    ("channels", "number", "reason", "code"),
    [
        ((), "", " a ", "safe-contact-reason"),
        (("email",), "07700 900123", "asked", "safe-contact-number"),
        ((), "0770", "asked", "safe-contact-number"),
        ((), "020 7946 0123", "asked", "safe-contact-number"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_number_is_not_repeated(
    put: Set, channels: tuple[str, ...], number: str, reason: str, code: str
) -> None:
    with pytest.raises(CohortRefused) as refusal:
        put("ola", *channels, number=number, reason=reason)
    assert refusal.value.code == code
    assert not number or number not in str(refusal.value)


@pytest.mark.parametrize(
    ("before", "after", "loosens"),
    [
        (("sms", "email"), ("sms",), False),
        (("sms",), (), False),
        (("sms",), ("email",), True),
        ((), ("sms",), True),
    ],
)
def test_anybody_here_may_protect_and_a_team_lead_or_manager_allows_more(
    office: Record, clock: FakeClock, put: Set, before: tuple[str, ...], after: tuple[str, ...],
    loosens: bool,
) -> None:  # fmt: skip
    put("ola", *before)
    for by in ("ola", "ada", "gone", "nobody"):
        if loosens:
            with pytest.raises(NotAllowed) as refusal:
                put(by, *after)
            assert refusal.value.code == "safe-contact-role"
        else:
            put(by, *after)
    put("tom", *after)
    assert in_force(office, clock)[0] == after


def test_another_safe_number_is_for_a_team_lead_or_manager(put: Set) -> None:
    put("ola", number="07700 900123")
    put("ola", number="07700 900123")
    for number in ("07700 900124", ""):
        with pytest.raises(NotAllowed):
            put("ola", "sms", number=number)


def test_only_a_team_lead_or_manager_sees_or_lifts_it(
    office: Record, clock: FakeClock, put: Set
) -> None:
    put("ola")
    for by in ("ola", "ada", "gone", "nobody"):
        with pytest.raises(NotAllowed):
            see_safe_contact(office, clock, 1, by=by)
        with pytest.raises(NotAllowed):
            lift_safe_contact(office, clock, 1, reason="moved out", by=by)
    lift_safe_contact(office, clock, 1, reason="moved out", by="tom")
    (own,) = see_safe_contact(office, clock, 1, by="mia")
    assert (own.reason, own.ended_by, own.ended_why) == ("asked for it", "tom", "moved out")
    with pytest.raises(NotFound):
        lift_safe_contact(office, clock, 1, reason="moved out", by="tom")
    with pytest.raises(NotFound):
        see_safe_contact(office, clock, 2, by="tom")


def test_the_trail_names_the_entry_and_neither_patient_nor_value(
    office: Record, clock: FakeClock, put: Set
) -> None:
    put("ola", number="07700 900123", n=2)
    see_safe_contact(office, clock, 2, by="tom")
    lift_safe_contact(office, clock, 2, reason="moved out", by="mia")
    with office.read() as connection:
        rows = connection.execute(
            sa.select(audit_act).order_by(audit_act.c.stream, audit_act.c.number)
        ).all()
    mine = [row for row in rows if row.subject == "safe-contact"]
    assert [(row.operation_type, row.subject_id, row.operator) for row in mine] == [
        ("safe-contact.set", 1, "ola"), ("safe-contact.seen", 1, "tom"), ("safe-contact.lifted", 1, "mia"),
    ]  # fmt: skip
    words = ("900123", "asked", "moved", "sms")
    assert [word for word in words for row in mine if word in repr(tuple(row))] == []


def test_an_import_protects_and_leaves_what_staff_set(
    office: Record, clock: FakeClock, put: Set
) -> None:
    put("ola", "email")
    with office.write() as connection:
        assert restrict_imported(connection, [1, 2], by="nia", now=clock.now()) == 1
        assert restrict_imported(connection, [1, 2], by="nia", now=clock.now()) == 0
        versions = connection.scalars(sa.select(patient.c.version).order_by(patient.c.id)).all()
    assert in_force(office, clock)[0] == ("email",)
    (own,) = see_safe_contact(office, clock, 2, by="mia")
    assert (own.channels, own.source, own.set_by) == ((), "import", "nia")
    assert all(version > 1 for version in versions), (
        "messages that wait would not be addressed anew"
    )
