"""NEW-33: a correction to exactly those who got a text, and the file for the regulator."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic.errors import CohortRefused, NotAllowed
from clinic.message import states
from clinic.message.campaign.begin import begin_campaign
from clinic.message.campaign.campaign import get_campaign
from clinic.message.campaign.counting import count_outcomes
from clinic.message.campaign.request import MessageRequest
from clinic.message.outcomes.incident import write_incident
from clinic.message.outcomes.report import show_campaign
from clinic.message.prepare.approve import is_needed
from clinic.message.prepare.content import require_accepted
from clinic.message.prepare.resend import begin_resend
from clinic.message.safety.corrected import look_at
from clinic.record.database import Record
from clinic.record.schema.govern import operator
from clinic.record.schema.messages import campaign, message
from clinic.record.schema.people import consent, patient
from clinic.settings import Contact, Settings
from tests.cli.office import Office, hire
from tests.clinic.message.prepare.test_resend import SETTINGS, put_old, send
from tests.clinic.message.prepare.test_resend import ask as resend
from tests.clinic.message.prepare.test_resend import old as old
from tests.fakes import FakeClock

_keys = itertools.count(1)


@pytest.fixture
def sqlite_old(sqlite_record: Record, clock: FakeClock) -> int:
    """The same on one database."""
    return put_old(sqlite_record, clock)


def correct(record: Record, clock: FakeClock, number: int, **changes: object) -> int:
    """Ask for a correction by the template "plain"; the campaign."""
    asked = {"list_name": "Correction", "cohort": {"corrects": number}, "template": "plain"}
    return begin_campaign(
        record, clock, SETTINGS.model_copy(update={"contact": Contact(most=1)}),
        MessageRequest(**(asked | changes)), request_key=f"correct-{next(_keys)}", gateway="fake",
        batch_limit=1000,
    )  # fmt: skip


def set_state(record: Record, number: int, row: int, state: str) -> None:
    with record.write() as connection:
        which = (message.c.campaign_id == number) & (message.c.row_number == row)
        connection.execute(sa.update(message).where(which).values(state=state))


def test_exactly_those_who_got_it_get_the_correction_at_the_address_of_then(
    record: Record, clock: FakeClock, tmp_path: Path, old: int
) -> None:
    """Delivered, sent and unknown; a number that was changed since is not the one that had the wrong text."""
    with record.write() as connection:
        connection.execute(sa.update(patient).where(patient.c.id == 2).values(mobile="07700900555"))
        connection.execute(
            sa.update(message).where(message.c.patient_id == 3).values(address="+447700900333")
        )
    made = correct(record, clock, old)
    assert send(record, clock, tmp_path, made) == [
        (1, "+447700900001"), (2, "+447700900002"), (3, "+447700900333"),
    ]  # fmt: skip
    with record.read() as connection:
        seen = look_at(connection, old)
    assert seen.got == {"accepted": 1, "delivered": 1, "unknown": 1}
    assert (seen.not_got, seen.corrected) == (6, 3)
    assert show_campaign(record, old).corrected_by == (made,)
    assert show_campaign(record, made).corrects == old
    with pytest.raises(NotAllowed, match="correct-nothing"):
        correct(record, clock, old)
    with pytest.raises(NotAllowed, match="resend-correction"):
        resend(record, clock, made)
    set_state(record, made, 2, states.EXPIRED)  # what failed of it is asked for again
    assert send(record, clock, tmp_path, correct(record, clock, old)) == [(2, "+447700900002")]


def test_who_opted_out_or_is_deceased_since_is_counted_and_gets_none(
    record: Record, clock: FakeClock, tmp_path: Path, old: int
) -> None:
    with record.write() as connection:
        connection.execute(
            sa.update(patient).where(patient.c.id == 1).values(death_date=clock.now().date())
        )
        connection.execute(
            sa.insert(consent).values(
                patient_id=3,
                channel="sms",
                decision="opt_out",
                source="staff",
                decided_at=clock.now(),
            )
        )
    made = correct(record, clock, old)
    assert [key for key, _ in send(record, clock, tmp_path, made)] == [2]
    with record.read() as connection:
        assert count_outcomes(connection, made) == {"patient_dead": 1, "opted_out": 1, "sent": 1}


def test_who_got_it_by_a_resend_or_is_not_in_the_record_is_corrected_too(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, sqlite_old: int
) -> None:
    """ACX-21: somebody without a record has an NHS number alone."""
    record = sqlite_record
    with record.write() as connection:
        connection.execute(
            sa.update(message).where(message.c.row_number == 1).values(patient_id=-9990000018)
        )
    send(record, clock, tmp_path, resent := begin(record, clock, sqlite_old))
    with record.write() as connection:
        own = campaign.c.id == resent
        connection.execute(sa.update(campaign).where(own).values(state=states.COMPLETED))
    found = send(record, clock, tmp_path, correct(record, clock, sqlite_old))
    assert [key for key, _ in found] == [-9990000018, 2, 3, 4, 5]


def begin(record: Record, clock: FakeClock, old: int) -> int:
    """The failures of rows 4 and 5 are sent again, and got."""
    return begin_resend(
        record, clock, SETTINGS, old, rows=[4, 5], request_key="again", gateway="fake",
        batch_limit=1000,
    )  # fmt: skip


REFUSED = [
    ({"state": states.RUNNING}, {}, "correct-first-stop"),
    ({"state": states.PAUSED}, {}, "correct-first-stop"),
    ({"state": states.REFUSED}, {}, "correct-nothing"),
    ({"dry_run": True}, {}, "correct-nothing"),
    ({"gateway": states.OUTBOX}, {}, "correct-another-way"),
]


def test_what_cannot_be_corrected_says_what_to_do(
    sqlite_record: Record, clock: FakeClock, sqlite_old: int
) -> None:
    for values, asked, code in REFUSED:
        usual = {"state": states.COMPLETED, "dry_run": False, "gateway": "fake"}
        with sqlite_record.write() as connection:
            connection.execute(
                sa.update(campaign).where(campaign.c.id == sqlite_old).values(usual | values)
            )
        settings = {"template": "plain"} | asked
        with pytest.raises((NotAllowed, CohortRefused), match=code):
            correct(sqlite_record, clock, sqlite_old, **settings)


def test_another_manager_approves_a_correction_and_a_name_in_it_is_answered_for(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, sqlite_old: int
) -> None:
    """A wrong text may have gone to somebody else: one with a name in it would be the next."""
    from clinic.message.template.catalogue import add_own_text

    key = add_own_text(
        sqlite_record, clock, "Sorry {{ patient.given_name }}", by="ann", purpose="care"
    )
    made = correct(sqlite_record, clock, sqlite_old, template=key, requested_by="ann")

    def needed() -> bool:
        with sqlite_record.read() as connection:
            return is_needed(connection, get_campaign(connection, made), SETTINGS)

    assert not needed()
    with sqlite_record.write() as connection:
        for name, role in (("ann", "manager"), ("tom", "operator")):
            values = {"name": name, "role": role, "secret_hash": "x", "created_by": "root"}
            connection.execute(sa.insert(operator).values(**values, created_at=clock.now()))
    assert not needed()
    with sqlite_record.write() as connection:
        connection.execute(sa.update(operator).values(role="manager"))
    assert needed()
    prepare(sqlite_record, clock, made)
    with pytest.raises(CohortRefused, match="content_personal"):
        require_accepted(sqlite_record, clock, Settings(), made)


def prepare(record: Record, clock: FakeClock, number: int) -> None:
    from clinic.message.prepare.stage import stage
    from clinic.message.template.variables import Setting
    from data_checks.cohort import check_cohort

    check_cohort(record, clock, SETTINGS, number)
    stage(record, number, setting=Setting(SETTINGS.organisation, clock.now()), most_segments=6)


def test_the_file_for_the_regulator_has_who_what_when_and_the_correction(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, sqlite_old: int
) -> None:
    with sqlite_record.write() as connection:
        connection.execute(
            sa.update(message)
            .where(message.c.row_number == 1)
            .values(sent_at=clock.now() - timedelta(days=1), body="=Result: positive")
        )
    made = correct(sqlite_record, clock, sqlite_old)
    send(sqlite_record, clock, tmp_path, made)
    set_state(sqlite_record, made, 3, states.EXPIRED)
    file = io.StringIO(newline="")
    assert (
        write_incident(
            sqlite_record, sqlite_old, file, lambda at: f"{at:%d.%m.%y}" if at else "", by="mia"
        )
        == 3
    )
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [row["Got it"][:9] for row in rows] == ["delivered", "sent, no ", "may have "]
    assert [row["Correction was"] for row in rows] == ["accepted", "accepted", "expired"]
    first = rows[0]
    assert (first["Address"], first["Family Name"]) == ("'+447700900001", "Family")
    assert first["Sent"] == f"{clock.now() - timedelta(days=1):%d.%m.%y}"
    assert first["Text"].endswith("=Result: positive")
    assert not first["Text"].startswith("=")


def test_from_the_terminal_it_waits_for_another_and_the_file_is_for_one_account(
    sqlite_record: Record, clock: FakeClock, tmp_path: Path, sqlite_old: int
) -> None:
    with sqlite_record.write() as connection:
        connection.execute(sa.update(campaign).values(gateway=states.OUTBOX))
    (tmp_path / "home").mkdir()
    office = Office(tmp_path / "home", sqlite_record)
    hire(office)
    office.environment |= {"COHORT_PHONES__TEST_RANGE": "true"}
    said = office.run(
        "correct", str(sqlite_old), "--text", "Our last text was wrong: ignore it. The practice", "--yes",
        "--accept", "content_unnamed=it is signed", me="ann",
    )  # fmt: skip
    assert "was got by 3 patients: 1 sent, 1 delivered, 1 may have got it" in said.output
    assert said.exit_code == 0, said.output
    assert "cohort approve 1" in said.output
    path = tmp_path / "incident.csv"
    told = office.run("incident", str(sqlite_old), "--csv", str(path))
    assert told.exit_code == 0, told.output
    assert path.stat().st_mode & 0o777 == 0o600
    assert "Corrected by" in office.run("show", str(sqlite_old)).output
